import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import type { Teardown } from './teardown.js'

/** A real redis-server on a private port of loopback. It ends with the test. */
export class RedisServer {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(
    t: Teardown,
    readonly port: number,
    readonly settings: readonly string[],
    folder: string
  ) {
    const own = [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no'
    ]
    this.#child = spawn('redis-server', [...own, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#exited = once(this.#child, 'exit')
    const kill = () => this.#child.kill('SIGKILL')
    // If the runner aborts a test, it does not run its teardown.
    process.once('exit', kill)
    t.teardown(async () => {
      process.off('exit', kill)
      await this.kill()
    })
  }

  /** Flags of its command line: `['--maxmemory', '1mb']`. */
  static async start(t: Teardown, settings: readonly string[] = [], port?: number): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'redis-'))
    const server = new RedisServer(t, port ?? (await freePort()), settings, folder)
    t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
    await server.#ready()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts an empty server on the same port. */
  async restart(t: Teardown): Promise<RedisServer> {
    await this.kill()
    return RedisServer.start(t, this.settings, this.port)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Stops the process (SIGSTOP) and lets it continue. What is sent meanwhile waits in its socket. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async #ready(): Promise<void> {
    let log = ''
    const stdout = this.#child.stdout
    for await (const chunk of stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
      log += chunk
      if (log.includes('Ready to accept connections')) break
    }
    if (this.#child.exitCode !== null) throw new Error(`redis-server did not start: ${log}`)
    stdout?.resume()
  }
}
