import { LRUCache } from 'lru-cache'
import type { Account } from './account.js'

/** Passed on every read, since the library would make a new one each time. It writes to it: not to be frozen. */
const GET_OPTIONS = {}

/**
 * Where accounts are kept. Those without a token have a shelf of their own, so that they take the place of none
 * that has one, and one that is acquiring is never forgotten, so that its acquisition stays the only one.
 */
export class AccountCache {
  readonly #withToken: LRUCache<string, Account>
  readonly #withoutToken: LRUCache<string, Account>
  readonly #acquiring = new Map<string, Account>()

  /** `onEvict` is called when a token that still serves was evicted. */
  constructor(maxTokens: number, onEvict: () => void) {
    this.#withToken = new LRUCache({
      max: maxTokens,
      disposeAfter: (account, _key, reason) => {
        const isLost = reason === 'evict' && account.serves
        account.forget()
        if (isLost) onEvict()
      }
    })
    this.#withoutToken = new LRUCache({ max: maxTokens })
  }

  /** The account, if it has a token; it counts as used. */
  getWithToken(key: string): Account | undefined {
    return this.#withToken.get(key, GET_OPTIONS)
  }

  get(key: string): Account | undefined {
    return this.getWithToken(key) ?? this.#acquiring.get(key) ?? this.#withoutToken.get(key, GET_OPTIONS)
  }

  /** Puts an account where it belongs now. */
  place(account: Account): void {
    const [home, other] = account.hasToken
      ? [this.#withToken, this.#withoutToken]
      : [this.#withoutToken, this.#withToken]
    if (account.isAcquiring) this.#acquiring.set(account.key, account)
    else this.#acquiring.delete(account.key)
    other.delete(account.key)
    home.set(account.key, account)
  }

  close(): void {
    const accounts = [...this.#withToken.values(), ...this.#acquiring.values()]
    this.#withToken.clear()
    this.#withoutToken.clear()
    this.#acquiring.clear()
    for (const account of accounts) account.close()
  }
}
