import type { Clock } from '@bandwidth-token/core'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
  held: boolean
  ref(): void
  unref(): void
}

/** Waits until real sockets have nothing in flight. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A clock that stands still until it is told to advance. Wall time and monotonic time are separate. */
export class VirtualClock implements Clock {
  readonly timers = new Set<Timer>()
  /** Called and awaited after every timer that fires, and at the end of `advance()`. */
  settle: () => Promise<void> = () => turns()
  readings = 0
  #wallMs = Date.parse('2026-11-24T12:00:00Z')
  #monotonicMs = 1_000

  now(): number {
    this.readings++
    return this.#wallMs
  }

  monotonic(): number {
    this.readings++
    return this.#monotonicMs
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer: Timer = {
      atMs: this.#monotonicMs + delayMs,
      callback,
      held: true,
      ref: () => {
        timer.held = true
      },
      unref: () => {
        timer.held = false
      }
    }
    this.timers.add(timer)
    return timer
  }

  clearTimeout(handle: unknown): void {
    this.timers.delete(handle as Timer)
  }

  /** Advances by `ms` milliseconds. Timers fire at their instants. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms
    await this.settle()
    for (;;) {
      const [next] = [...this.timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#goTo(next.atMs)
      this.timers.delete(next)
      next.callback()
      await this.settle()
    }
    this.#goTo(endMs)
    await this.settle()
  }

  /**
   * Stops the process, as SIGSTOP does: time goes on, and nothing runs. On the thaw all due timers fire first. Then the
   * data that `arrived` meanwhile is read.
   */
  async freeze(ms: number, arrived: () => void = () => {}): Promise<void> {
    this.#goTo(this.#monotonicMs + ms)
    for (;;) {
      const [next] = [...this.timers]
        .filter(({ atMs }) => atMs <= this.#monotonicMs)
        .sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.timers.delete(next)
      next.callback()
      // As in Node: microtasks run between two timers, and sockets are read after all timers.
      for (let turn = 0; turn < 20; turn++) await undefined
    }
    arrived()
    await this.settle()
  }

  /** Sets the wall clock. */
  stepWall(ms: number): void {
    this.#wallMs += ms
  }

  /** Suspends the machine: wall time goes on, monotonic time and timers stand still. */
  suspend(ms: number): void {
    this.#wallMs += ms
  }

  #goTo(monotonicMs: number): void {
    const stepMs = Math.max(0, monotonicMs - this.#monotonicMs)
    this.#wallMs += stepMs
    this.#monotonicMs += stepMs
  }
}
