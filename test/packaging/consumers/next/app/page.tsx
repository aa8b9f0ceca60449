export default function Page() {
  return <h1>Signed out</h1>
}
