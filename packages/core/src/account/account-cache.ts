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

  constructor(maxTokens: number) {
    this.#withToken = new LRUCache({ max: maxTokens, dispose: (account) => account.forget() })
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
    other.delete(account.key)
    home.set(account.key, account)
    if (account.isAcquiring) this.#acquiring.set(account.key, account)
    else this.#acquiring.delete(account.key)
  }

  close(): void {
    // A token is forgotten as it leaves its shelf: nothing else but an acquisition is to be ended.
    const acquiring = [...this.#acquiring.values()]
    this.#withToken.clear()
    this.#withoutToken.clear()
    this.#acquiring.clear()
    for (const account of acquiring) account.close()
  }
}
