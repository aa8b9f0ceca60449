/** Limits the lines of a log: so many at once, and then one more in each interval. */
export class LineBudget {
  readonly #max: number
  readonly #intervalMs: number
  #left: number
  /** The intervals count from the first line. */
  #filledAtMs: number | undefined

  constructor(max: number, intervalMs: number) {
    this.#max = max
    this.#intervalMs = intervalMs
    this.#left = max
  }

  /** Takes one of the lines that may be written now, but leaves `kept`. Returns whether there was one. */
  take(nowMs: number, kept = 0): boolean {
    this.#filledAtMs ??= nowMs
    const intervals = Math.floor((nowMs - this.#filledAtMs) / this.#intervalMs)
    this.#left = Math.min(this.#max, this.#left + intervals)
    this.#filledAtMs += intervals * this.#intervalMs
    if (this.#left <= kept) return false
    this.#left--
    return true
  }
}
