import { LRUCache } from 'lru-cache'
import type { Account } from './account.js'

/** The options of every read: without any, the library makes an object each time. It writes to them, so never freeze them. */
const GET_OPTIONS = {}

/**
 * The accounts of a provider. Accounts with a token and accounts without one are kept in separate LRU caches, so that
 * an account without a token never evicts a token. An account with an acquisition in flight is never evicted, so that
 * the acquisition stays the only one of its account.
 */
export class AccountCache {
  readonly #withToken: LRUCache<string, Account>
  readonly #withoutToken: LRUCache<string, Account>
  readonly #acquiring = new Map<string, Account>()
  /** The account that was used last. It is the last one in the LRU order already, so it needs no look-up. */
  #last: Account | undefined

  /** `onEvict` is called when a token that is still valid was evicted. */
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

  /** The account. This counts as a use of it for the LRU order. */
  get(key: string): Account | undefined {
    if (this.#last?.key !== key) {
      this.#last =
        this.#withToken.get(key, GET_OPTIONS) ??
        this.#acquiring.get(key) ??
        this.#withoutToken.get(key, GET_OPTIONS)
    }
    return this.#last
  }

  /** Moves an account to the cache that it belongs to now. */
  update(account: Account): void {
    this.#last = undefined
    const [home, other] = account.hasToken
      ? [this.#withToken, this.#withoutToken]
      : [this.#withoutToken, this.#withToken]
    if (account.isAcquiring) this.#acquiring.set(account.key, account)
    else this.#acquiring.delete(account.key)
    other.delete(account.key)
    home.set(account.key, account)
  }

  /** Drops all tokens, and closes what is in flight. */
  close(): void {
    const acquiring = [...this.#acquiring.values()]
    this.#last = undefined
    this.#withToken.clear()
    this.#withoutToken.clear()
    this.#acquiring.clear()
    for (const account of acquiring) account.close()
  }
}
