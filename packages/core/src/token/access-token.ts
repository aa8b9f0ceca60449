import { inspect } from 'node:util'
import { ageMs, type Clock, type Instant, readClock } from '../support/clock.js'

/** A token as it is sent over the wire: Bandwidth's four fields (RFC 6749 §5.1, Bandwidth's page). */
export interface TokenResponse {
  access_token: string
  /** Missing if Bandwidth sent none. */
  access_token_id?: string
  token_type: 'Bearer'
  /** Seconds left, whole. */
  expires_in: number
}

/** What a token is made of. */
export interface TokenFields {
  readonly accessToken: string
  readonly accessTokenId: string | undefined
  readonly lifetimeMs: number
  /** The moment just before the request was sent. */
  readonly issuedAt: Instant
}

/** A Bandwidth access token. It is immutable. Printing, logging and serialising it never show the token itself. */
export class AccessToken {
  readonly #accessToken: string
  readonly #accessTokenId: string | undefined
  readonly #lifetimeMs: number
  readonly #issuedAt: Instant
  readonly #clock: Clock

  /** @internal */
  constructor({ accessToken, accessTokenId, lifetimeMs, issuedAt }: TokenFields, clock: Clock) {
    this.#accessToken = accessToken
    this.#accessTokenId = accessTokenId
    this.#lifetimeMs = lifetimeMs
    this.#issuedAt = issuedAt
    this.#clock = clock
    Object.freeze(this)
  }

  /** The token itself. Keep it secret: with it, anybody can place calls at the expense of the account. */
  get accessToken(): string {
    return this.#accessToken
  }

  /**
   * Bandwidth's `access_token_id`, the same as the token's `jti` claim. `undefined` if there is none, or if it is not
   * 1 to 128 characters of `A-Z a-z 0-9 . _ ~ -`.
   */
  get accessTokenId(): string | undefined {
    return this.#accessTokenId
  }

  /** The type of the token (RFC 6749 §7.1): always `'Bearer'`. */
  get tokenType(): 'Bearer' {
    return 'Bearer'
  }

  /** The moment just before the token was requested. */
  get issuedAt(): Date {
    return new Date(this.#issuedAt.wallMs)
  }

  /** The moment when the token expires. */
  get expiresAt(): Date {
    return new Date(this.#issuedAt.wallMs + this.#lifetimeMs)
  }

  /**
   * Seconds left now: whole, rounded down, never negative. The clock that shows less counts: the
   * wall clock or the monotonic one.
   */
  get expiresIn(): number {
    const leftMs = this.#lifetimeMs - ageMs(this.#issuedAt, readClock(this.#clock))
    return Math.max(0, Math.floor(leftMs / 1000))
  }

  /** The value of an `Authorization` header (RFC 6750 §2.1): `Bearer` and the token. */
  get authorization(): string {
    return `Bearer ${this.accessToken}`
  }

  /** The token in the form of a JSON response, with the seconds left now. */
  toResponse(): TokenResponse {
    const { accessToken, accessTokenId } = this
    const rest = { token_type: 'Bearer', expires_in: this.expiresIn } as const
    return accessTokenId === undefined
      ? { access_token: accessToken, ...rest }
      : { access_token: accessToken, access_token_id: accessTokenId, ...rest }
  }

  /** The id and the seconds left, without the token. */
  toJSON(): { accessTokenId: string | undefined; expiresIn: number } {
    return { accessTokenId: this.accessTokenId, expiresIn: this.expiresIn }
  }

  /** The id and the seconds left, without the token. */
  toString(): string {
    return `AccessToken ${this.accessTokenId ?? '(no id)'}, ${this.expiresIn} s left`
  }

  /** The id and the seconds left, without the token. */
  [inspect.custom](): string {
    return `[${this}]`
  }
}
