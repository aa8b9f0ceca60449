import { abortable } from '../support/abortable.js'

/** How many requests of a provider may be in flight. */
const MAX_REQUESTS_IN_FLIGHT = 64

/** A fixed number of places for requests in flight. If none is free, a request waits in line. */
export class Places {
  #free = MAX_REQUESTS_IN_FLIGHT
  readonly #line = new Set<() => void>()

  /** Resolves to `true` once a place is taken. If `signal` aborts before that, leaves the line and resolves to `false`. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (this.#free > 0) {
      this.#free--
      return true
    }
    let admit = () => {}
    const admitted = new Promise<void>((resolve) => {
      admit = resolve
      this.#line.add(admit)
    })
    try {
      await abortable(admitted, signal)
      return true
    } catch {
      // It may have got a place in the same turn of the event loop: give it back.
      if (!this.#line.delete(admit)) this.release()
      return false
    }
  }

  /** Gives a place back. The first in line gets it. */
  release(): void {
    const [next] = this.#line
    if (next === undefined) this.#free++
    else {
      this.#line.delete(next)
      next()
    }
  }
}
