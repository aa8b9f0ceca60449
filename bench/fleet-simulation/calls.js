/** What the callers of a whole fleet have seen. */
export class Calls {
  count = 0
  /** Calls of a warm member that had to wait. */
  heldUp = 0
  failures = 0
  leastLeftMs = Number.POSITIVE_INFINITY
  /** The longest that a call of a cold member had to wait. */
  longestColdMs = 0

  served(leftMs, waitedMs, isWarm) {
    this.count++
    if (leftMs < this.leastLeftMs) this.leastLeftMs = leftMs
    if (waitedMs === 0) return
    if (isWarm) this.heldUp++
    else if (waitedMs > this.longestColdMs) this.longestColdMs = waitedMs
  }

  failed() {
    this.count++
    this.failures++
  }
}
