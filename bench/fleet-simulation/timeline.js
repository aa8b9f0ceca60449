/**
 * Virtual time: a binary heap of events, and a driver that lives through them. Between two events it lets every promise
 * settle that can, so the code under test sees each event just as it would in a real event loop.
 */
export class Timeline {
  nowMs = 0
  /** Events so far. */
  count = 0
  #heap = []
  #order = 0
  #mustTurn = false

  /** Calls `callback` at `atMs`. Where the event has an owner that is dead by then, nothing happens. */
  at(atMs, callback, owner) {
    const event = { atMs, order: this.#order++, callback, owner }
    this.#push(event)
    return event
  }

  /** Its place in the heap is freed when its time comes: to look for it there would take longer. */
  cancel(event) {
    event.callback = undefined
  }

  /** Before the next event the real event loop turns: modules that a new process imports arrive outside of this time. */
  turnEventLoop() {
    this.#mustTurn = true
  }

  /** Lives until `untilMs`. */
  run(untilMs) {
    return new Promise((resolve, reject) => {
      const step = () => {
        const event = this.#pop(untilMs)
        if (event === undefined) {
          this.nowMs = untilMs
          resolve()
          return
        }
        this.nowMs = event.atMs
        this.count++
        try {
          event.callback()
        } catch (error) {
          reject(error)
          return
        }
        if (this.#mustTurn) turn()
        else SETTLED.then(next)
      }
      // Node runs a `nextTick` callback only after all microtasks, those that microtasks add included.
      const next = () => process.nextTick(step)
      const turn = () => {
        this.#mustTurn = false
        setImmediate(() => setImmediate(() => setImmediate(step)))
      }
      turn()
    })
  }

  #push(event) {
    const heap = this.#heap
    let index = heap.length
    while (index > 0) {
      const above = (index - 1) >> 1
      if (!isBefore(event, heap[above])) break
      heap[index] = heap[above]
      index = above
    }
    heap[index] = event
  }

  /** The next event that is still to happen by `untilMs`. */
  #pop(untilMs) {
    const heap = this.#heap
    while (heap.length > 0 && heap[0].atMs <= untilMs) {
      const [first] = heap
      const last = heap.pop()
      if (heap.length > 0) this.#sink(last)
      if (first.callback !== undefined && first.owner?.isAlive !== false) return first
    }
    return undefined
  }

  /** Puts an event in the place of the first one, and lets it sink to where it belongs. */
  #sink(event) {
    const heap = this.#heap
    const { length } = heap
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      if (below >= length) break
      if (below + 1 < length && isBefore(heap[below + 1], heap[below])) below++
      if (!isBefore(heap[below], event)) break
      heap[index] = heap[below]
      index = below
    }
    heap[index] = event
  }
}

const SETTLED = Promise.resolve()

function isBefore(one, other) {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}
