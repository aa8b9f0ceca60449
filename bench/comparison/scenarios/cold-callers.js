import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inTurns } from '../measure.js'
import { SUBJECTS } from '../subjects.js'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('cold-process.js', import.meta.url))

/** The requests that 100 cold callers make, and what 10,000 cost where they share one. */
export async function coldCallers({ server, isSmoke }) {
  const requests = {}
  for (const { name, open } of SUBJECTS) requests[name] = await requestsOf(open, server, 100)
  const requestsOf10000 = await requestsOf(SUBJECTS[0].open, server, 10_000)
  const callers = isSmoke ? 1_000 : 10_000
  const subjects = SUBJECTS.filter(({ isSingleFlight }) => isSingleFlight)
  const times = await inTurns(
    Object.fromEntries(subjects.map(({ name }) => [name, () => timeOf(name, callers, server)])),
    isSmoke ? { rounds: 1, warmUps: 0 } : { rounds: 9, turns: 3, warmUps: 1 }
  )
  return { requests, requestsOf10000, times }
}

async function requestsOf(open, server, callers) {
  const before = server.requests
  const { getToken, call = getToken, close } = await open(server.credentials)
  await Promise.all(Array.from({ length: callers }, () => call()))
  await close?.()
  return server.requests - before
}

/** Microseconds, of a process that has just started: nothing is compiled, as at the start of a server under load. */
async function timeOf(name, callers, server) {
  const { stdout } = await run(process.execPath, [SCRIPT, name, callers, JSON.stringify(server.credentials)])
  return Number(stdout)
}
