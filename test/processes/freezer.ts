import './orphan.js'
import { TokenProvider } from '@bandwidth-token/core'
import { shiftableClock } from '../support/shiftable-clock.js'
import { obey } from './obey.js'

/** A program with a provider, which can be stopped or stop itself. */
const clock = shiftableClock()
const provider = new TokenProvider({ ...JSON.parse(process.argv[2] ?? '{}'), clock })

await obey({
  /** Asks for a token. */
  get: () =>
    provider.getToken().then(
      ({ accessTokenId }) => ({ id: accessTokenId }),
      ({ code }) => ({ code })
    ),
  status: () => provider.status(),
  /** Lets the token grow older. */
  advance(ms) {
    clock.advance(Number(ms))
    return null
  },
  /** Blocks the event loop. */
  block(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms))
    return null
  }
})
