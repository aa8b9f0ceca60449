import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inTurns } from '../measure.js'
import { withUnrunBundles } from '../unrun.js'

const run = promisify(execFile)
const folder = fileURLToPath(new URL('.', import.meta.url))

/** Bytes of heap for a cached account of 10,000, the default of `maxTokens`, and for an entry of a map. */
export async function memory({ isSmoke }) {
  const { stdout } = await run(process.execPath, [
    '--expose-gc',
    `${folder}memory.js`,
    isSmoke ? '200' : '10000'
  ])
  return JSON.parse(stdout)
}

/** What happens to each subject at rotation and in outages, in virtual time. */
export async function lives({ isSmoke }) {
  const { stdout } = await run(process.execPath, [`${folder}lives.js`, ...(isSmoke ? ['--smoke'] : [])])
  return JSON.parse(stdout)
}

/**
 * Milliseconds of processor time that importing the core takes in a process that has imported `undici` before; a package
 * of the same files whose code never runs (`unrun`); and one of such files without code (`empty`).
 */
export async function imports({ isSmoke }) {
  // As it is published.
  await import('../../../scripts/bundle.js')
  return withUnrunBundles((unrun) => {
    const addresses = { core: '../../../packages/core/dist/bundle/index.js', ...unrun }
    const measurements = Object.fromEntries(
      Object.entries(addresses).map(([name, address]) => [name, () => timeOf(address)])
    )
    return inTurns(measurements, isSmoke ? { rounds: 1, warmUps: 0 } : { rounds: 9, turns: 4 })
  })
}

async function timeOf(address) {
  const script = `
    await import('undici')
    const before = process.cpuUsage()
    await import('${address}')
    const { user, system } = process.cpuUsage(before)
    process.stdout.write(String(user + system))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder })
  return Number(stdout) / 1000
}
