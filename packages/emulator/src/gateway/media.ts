import { Worker } from 'node:worker_threads'
import type { CallMedia } from './call-media.js'
import type { Local, Remote } from './offer.js'
import { Silence } from './silence.js'

/** The optional peer that sends and receives the sound of calls. */
export const mediaPeer = 'werift'

/** Whether the optional peer is installed. */
export function hasMedia(): boolean {
  try {
    // As the thread will import it: `require.resolve()` finds more, such as what is on NODE_PATH.
    import.meta.resolve(mediaPeer)
    return true
  } catch {
    return false
  }
}

export function createMedia(): CallMedia {
  return hasMedia() ? new MediaThread() : new Silence()
}

export type MediaCommand =
  | { readonly type: 'open'; readonly id: number; readonly address: string; readonly remote: Remote }
  | { readonly type: 'echo'; readonly id: number; readonly on: boolean }
  | { readonly type: 'close'; readonly id: number }
  /** Ends the thread, once its sockets are closed. */
  | { readonly type: 'end' }

export type MediaReport =
  | { readonly id: number; readonly local: Local }
  | { readonly id: number; readonly error: string }

/** How long the thread may take to close its sockets. */
const STOP_LIMIT_MS = 1_000

interface Waiting {
  resolve(local: Local): void
  reject(error: Error): void
}

/**
 * The media of all calls, in a thread of their own. When the thread ends, everything ends that the WebRTC stack keeps
 * running, such as the timers of a broken handshake. No failure of the stack reaches the process.
 */
class MediaThread implements CallMedia {
  #worker: Worker | undefined
  #lastId = 0
  readonly #waiting = new Map<number, Waiting>()

  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  open(id: number, address: string, remote: Remote): Promise<Local> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker ??= this.#start()
      this.#worker.postMessage({ type: 'open', id, address, remote } satisfies MediaCommand)
    })
  }

  echo(id: number, on: boolean): void {
    this.#worker?.postMessage({ type: 'echo', id, on } satisfies MediaCommand)
  }

  close(id: number): void {
    this.#worker?.postMessage({ type: 'close', id } satisfies MediaCommand)
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    // Node 20 aborts the process if a datagram arrives while it ends a thread. So the thread closes its sockets first.
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    const timer = setTimeout(() => worker.terminate(), STOP_LIMIT_MS)
    worker.ref()
    worker.postMessage({ type: 'end' } satisfies MediaCommand)
    await ended
    clearTimeout(timer)
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
