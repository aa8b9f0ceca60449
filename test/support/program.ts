import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { spawnNode } from './node.js'
import type { Teardown } from './teardown.js'

/** A Node process, its output and its exit. It ends with its test at the latest. */
export class Program {
  stdout = ''
  stderr = ''
  readonly process: ChildProcess
  readonly #closed: Promise<unknown[]>

  constructor(t: Teardown, args: readonly string[], options: SpawnOptions = {}) {
    const child = spawnNode(args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
    child.stdout?.on('data', (chunk) => {
      this.stdout += chunk
    })
    child.stderr?.on('data', (chunk) => {
      this.stderr += chunk
    })
    this.process = child
    this.#closed = once(child, 'close')
    t.teardown(() => child.kill('SIGKILL'))
  }

  /** The exit code, or the signal that ended it. */
  async exitCode(): Promise<unknown> {
    const [code, signal] = await this.#closed
    return code ?? signal
  }
}
