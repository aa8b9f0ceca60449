import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ratioOf } from '../measure.js'
import { SUBJECTS } from '../subjects.js'

const run = promisify(execFile)
const SCRIPT = fileURLToPath(new URL('hot-process.js', import.meta.url))

/** What is measured together. */
const GROUPS = ['call', 'by account', 'in turn', 'store', 'events', 'bytes']
const ADAPTERS = ['Fastify', 'Express', 'Fastify, by account', 'Express, by account']

/**
 * What a call costs while the token is fresh, and awaited: by group and name, in microseconds for each round. Each group
 * has a process of its own, so that the compiler sees what it would see in an app that makes such calls.
 */
export async function hotPath({ server, isSmoke }) {
  const groups = {}
  for (const group of [...GROUPS, ...ADAPTERS, ...SUBJECTS.slice(2).map(({ name }) => name)]) {
    const { stdout } = await run(process.execPath, [
      '--expose-gc',
      SCRIPT,
      JSON.stringify({ group, isSmoke, credentials: server.credentials })
    ])
    groups[group] = JSON.parse(stdout)
  }
  return groups
}

/** The rate of one thing as a share of another's: 1 is as fast, 0.5 takes twice as long. */
export function rate(times, name, base) {
  return ratioOf(times[base], times[name])
}
