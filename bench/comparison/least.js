import { LRUCache } from 'lru-cache'

const GET_OPTIONS = {}

/**
 * The least that a provider of this contract does for a call with a fresh token: it reads the clock once, by way of its
 * `clock`, refuses unknown options, and keeps the order of use. It can do nothing else, so it is the limit.
 */
export class LeastProvider {
  #clock
  #only
  #accounts

  constructor(names, promise, clock = { now: () => Date.now() }) {
    const usableUntilMs = Date.now() + 500_000
    this.#clock = clock
    this.#only = { promise, usableUntilMs }
    this.#accounts = new LRUCache({ max: Math.max(names.length, 2) })
    for (const name of names) this.#accounts.set(name, { promise: Promise.resolve(), usableUntilMs })
  }

  getToken(options) {
    const known = options === undefined ? this.#only : this.#accounts.get(accountOf(options), GET_OPTIONS)
    return this.#clock.now() < known.usableUntilMs ? known.promise : undefined
  }
}

function accountOf(options) {
  let account
  for (const name in options) {
    if (name !== 'account') throw new TypeError(`Unknown option ${name}`)
    account = options.account
  }
  return account
}
