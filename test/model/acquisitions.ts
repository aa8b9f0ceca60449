import { AsyncLocalStorage } from 'node:async_hooks'
import { Acquisition } from '../support/core-internals.js'
import type { Flight } from './rules.js'

/** Who wants to know of the acquisitions of a provider. */
export interface Witness {
  acquisitionStarts(account: string): Flight
  acquisitionEnds(flight: Flight): void
}

const witnesses = new AsyncLocalStorage<Witness>()
const flights = new AsyncLocalStorage<Flight>()

/**
 * Which acquisition a request is made for is not on the wire: with fixed credentials not even its account is. This is
 * the one place where the model looks inside.
 */
const { start } = Acquisition.prototype
Acquisition.prototype.start = function (settle) {
  const witness = witnesses.getStore()
  if (witness === undefined) return start.call(this, settle)
  const flight = witness.acquisitionStarts(this.account)
  flights.run(flight, () =>
    start.call(this, (outcome) => {
      witness.acquisitionEnds(flight)
      return settle(outcome)
    })
  )
}

/** Makes a provider whose acquisitions are witnessed: all it does runs in the context in which it was made. */
export function witnessed<Provider>(witness: Witness, make: () => Provider): Provider {
  return witnesses.run(witness, make)
}

/** The acquisition in which this is called. */
export function currentFlight(): Flight {
  const flight = flights.getStore()
  if (flight === undefined) throw new Error('a request without an acquisition')
  return flight
}
