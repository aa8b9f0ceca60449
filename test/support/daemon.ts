import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { until } from '../processes/child.js'
import type { Teardown } from './teardown.js'

/** Starts a server of another make and waits until it is ready. It ends with the test, and its folder goes with it. */
export async function startDaemon(
  t: Teardown,
  folder: string,
  [command, ...args]: readonly [command: string, ...args: string[]],
  isReady: () => Promise<boolean>
): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill()
    await exited
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${command} did not start: ${log}`)
    return isReady()
  }, `${command} is ready`)
}
