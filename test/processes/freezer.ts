import './orphan.js'
import { createInterface } from 'node:readline'
import { TokenProvider } from '@bandwidth-token/core'
import { shiftableClock } from '../support/shiftable-clock.js'

/** A program that does what it is told, a line each, and answers with a line of JSON. */
const clock = shiftableClock()
const provider = new TokenProvider({ ...JSON.parse(process.argv[2] ?? '{}'), clock })

const commands: Record<string, (argument: number) => unknown> = {
  /** Asks for a token. */
  get: () =>
    provider.getToken().then(
      ({ accessTokenId }) => ({ id: accessTokenId }),
      ({ code }) => ({ code })
    ),
  status: () => provider.status(),
  /** Lets the token grow older. */
  advance: (ms) => {
    clock.advance(ms)
    return null
  },
  /** Blocks the event loop. */
  block: (ms) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    return null
  }
}

// What holds nothing open elsewhere does so here: it waits for what it is told.
process.stdin.ref?.()
process.stdout.write(`${JSON.stringify('ready')}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const [id = '', name = '', argument] = line.split(' ')
  Promise.resolve(commands[name]?.(Number(argument))).then((result) =>
    process.stdout.write(`${JSON.stringify({ id, result })}\n`)
  )
}
