import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * Node without the loader of the test runner, which puts it into the environment of whatever is spawned: it would
 * measure coverage in there too, and make the start of each process twice as long.
 */
const plainNode = (args: readonly string[]) => ['-u', 'NODE_OPTIONS', process.execPath, ...args]

/** Starts Node as a shell would. */
export function spawnNode(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn('/usr/bin/env', plainNode(args), {
    ...options,
    env: { PATH: process.env['PATH'], ...options.env }
  })
}

/** Runs Node to its end; rejects if it fails. */
export function runNode(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)('/usr/bin/env', plainNode(args), { env: { PATH: process.env['PATH'], ...env } })
}
