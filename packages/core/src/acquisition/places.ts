import { abortable } from '../support/abortable.js'

/** A number of places. Whoever finds none waits in line. */
export class Places {
  #free: number
  readonly #line = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves once there is a place. Rejects with the signal's reason, and leaves the line, once it is aborted. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return
    }
    let admit = () => {}
    const admitted = new Promise<void>((resolve) => {
      admit = resolve
      this.#line.add(admit)
    })
    try {
      await abortable(admitted, signal)
    } catch (reason) {
      // It may have been admitted in the same turn.
      if (!this.#line.delete(admit)) this.release()
      throw reason
    }
  }

  /** Gives a place back: the first in line has it. */
  release(): void {
    const [next] = this.#line
    if (next === undefined) this.#free++
    else {
      this.#line.delete(next)
      next()
    }
  }
}
