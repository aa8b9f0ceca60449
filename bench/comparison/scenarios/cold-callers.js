import { cpuTimeOf, inTurns } from '../measure.js'
import { SUBJECTS } from '../subjects.js'

/** The requests that 100 cold callers make, and what 10,000 cost where they share one. */
export async function coldCallers({ server, isSmoke }) {
  const requests = {}
  for (const subject of SUBJECTS) {
    const before = server.requests
    await callAtOnce(subject, server, 100)
    requests[subject.name] = server.requests - before
  }
  const callers = isSmoke ? 1_000 : 10_000
  const before = server.requests
  await callAtOnce(SUBJECTS[0], server, 10_000)
  const requestsOf10000 = server.requests - before
  const subjects = SUBJECTS.filter(({ isSingleFlight }) => isSingleFlight)
  const times = await inTurns(
    Object.fromEntries(subjects.map((subject) => [subject.name, () => callAtOnce(subject, server, callers)])),
    { rounds: isSmoke ? 1 : 15, warmUps: isSmoke ? 0 : 3 }
  )
  return { requests, requestsOf10000, times }
}

/** The processor time from the first call until the last caller is served. */
async function callAtOnce(subject, server, callers) {
  const { getToken, call = getToken, close } = await subject.open(server.credentials)
  const time = await cpuTimeOf(() => Promise.all(Array.from({ length: callers }, () => call())))
  await close?.()
  return time
}
