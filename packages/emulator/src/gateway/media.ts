import { Worker } from 'node:worker_threads'
import type { Local, Remote } from './offer.js'

export type MediaCommand =
  | { readonly type: 'open'; readonly id: number; readonly address: string; readonly remote: Remote }
  | { readonly type: 'echo'; readonly id: number; readonly on: boolean }
  | { readonly type: 'close'; readonly id: number }

export type MediaReport =
  | { readonly id: number; readonly local: Local }
  | { readonly id: number; readonly error: string }

interface Waiting {
  resolve(local: Local): void
  reject(error: Error): void
}

/**
 * The media of all calls, in a thread of their own. When the thread ends, everything ends that the WebRTC stack keeps
 * running, such as the timers of a broken handshake. No failure of the stack reaches the process.
 */
export class Media {
  #worker: Worker | undefined
  #lastId = 0
  readonly #waiting = new Map<number, Waiting>()

  /** Makes an id for the media of one call. */
  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  /** Opens a UDP port on the address. If the id already has one, restarts ICE on it. */
  open(id: number, address: string, remote: Remote): Promise<Local> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker ??= this.#start()
      this.#worker.postMessage({ type: 'open', id, address, remote } satisfies MediaCommand)
    })
  }

  /** Sets whether the caller hears itself. */
  echo(id: number, on: boolean): void {
    this.#worker?.postMessage({ type: 'echo', id, on } satisfies MediaCommand)
  }

  close(id: number): void {
    this.#worker?.postMessage({ type: 'close', id } satisfies MediaCommand)
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    // Some flags of the process do not work in a thread: `--eval` would end it at once.
    const worker = new Worker(new URL('media-worker.js', import.meta.url), { execArgv: [] })
    // The server keeps the process open. The thread must not, and ends with the process.
    worker.unref()
    worker.on('message', (report: MediaReport) => {
      const waiting = this.#waiting.get(report.id)
      this.#waiting.delete(report.id)
      if ('local' in report) waiting?.resolve(report.local)
      else waiting?.reject(new Error(report.error))
    })
    let reason = 'the media thread has ended'
    worker.on('error', (error) => {
      reason = String(error)
    })
    worker.on('exit', () => {
      // The next call starts another thread.
      this.#worker = undefined
      for (const { reject } of this.#waiting.values()) reject(new Error(reason))
      this.#waiting.clear()
    })
    return worker
  }
}
