// Works in CommonJS too, where the package is out of reach of `require`.
export async function emulate(): Promise<string> {
  const { startEmulator } = await import('@bandwidth-token/emulator')
  const emulator = await startEmulator({ expiresIn: 60 })
  emulator.script([{ status: 503 }, {}])
  // @ts-expect-error: the emulator is not `any`
  emulator.nothing
  await emulator.close()
  return emulator.tokenUrl
}
