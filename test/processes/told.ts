import { createInterface } from 'node:readline'
import type { Teardown } from '../support/teardown.js'
import { Child } from './child.js'

interface Answer {
  readonly id: number
  readonly result: unknown
}

/** A process that does what it is told: it runs a module that calls `obey()`. */
export class Told extends Child {
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #count = 0

  constructor(t: Teardown, name: string, options: object = {}) {
    super(t, name, options)
    this.process.stdout?.on('error', () => {})
    this.process.stdin?.on('error', () => {})
    if (this.process.stdout === null) return
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      const { id, result } = JSON.parse(line) as Answer
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    })
  }

  /** Tells the process to do something. Resolves to what it says of it; never, if it is killed. */
  tell<Result>(command: string): Promise<Result> {
    const id = ++this.#count
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve as (result: unknown) => void)
      this.process.stdin?.write(`${id} ${command}\n`)
    })
  }
}
