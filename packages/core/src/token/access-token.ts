import { inspect } from 'node:util'
import { type Clock, type Instant, readClock } from '../support/clock.js'
import { ageMs } from './lifetime.js'

/** The wire form of a token: Bandwidth's four fields (RFC 6749 §5.1 and Bandwidth's page). */
export interface TokenResponse {
  access_token: string
  /** Left out where Bandwidth sent none. */
  access_token_id?: string
  token_type: 'Bearer'
  /** Whole seconds left. */
  expires_in: number
}

/** What a token is made of. */
export interface TokenFields {
  readonly accessToken: string
  readonly accessTokenId: string | undefined
  readonly lifetimeMs: number
  /** Just before the request was sent. */
  readonly issuedAt: Instant
}

/** A Bandwidth access token. Immutable; printing, logging or serialising it never shows the token itself. */
export class AccessToken {
  readonly #fields: TokenFields
  readonly #clock: Clock

  /** @internal */
  constructor(fields: TokenFields, clock: Clock) {
    this.#fields = fields
    this.#clock = clock
    Object.freeze(this)
  }

  /** The token itself. Whoever holds it can place calls that the account pays for. */
  get accessToken(): string {
    return this.#fields.accessToken
  }

  /** Bandwidth's `access_token_id`, the same as the token's `jti` claim; `undefined` where none was sent. */
  get accessTokenId(): string | undefined {
    return this.#fields.accessTokenId
  }

  get tokenType(): 'Bearer' {
    return 'Bearer'
  }

  /** The instant just before the token was requested. */
  get issuedAt(): Date {
    return new Date(this.#fields.issuedAt.wallMs)
  }

  get expiresAt(): Date {
    return new Date(this.#fields.issuedAt.wallMs + this.#fields.lifetimeMs)
  }

  /** Whole seconds left now, by the clock that says less; never negative. */
  get expiresIn(): number {
    const leftMs = this.#fields.lifetimeMs - ageMs(this.#fields.issuedAt, readClock(this.#clock))
    return Math.max(0, Math.floor(leftMs / 1000))
  }

  /** The value of an `Authorization` header (RFC 6750 §2.1). */
  get authorization(): string {
    return `Bearer ${this.accessToken}`
  }

  /** The token on the wire, with the seconds that are left now. */
  toResponse(): TokenResponse {
    return {
      access_token: this.accessToken,
      ...(this.accessTokenId === undefined ? {} : { access_token_id: this.accessTokenId }),
      token_type: 'Bearer',
      expires_in: this.expiresIn
    }
  }

  /** Redacted: id and seconds left. */
  toJSON(): { accessTokenId: string | undefined; expiresIn: number } {
    return { accessTokenId: this.accessTokenId, expiresIn: this.expiresIn }
  }

  /** Redacted: id and seconds left. */
  toString(): string {
    return `AccessToken ${this.accessTokenId ?? '(no id)'}, ${this.expiresIn} s left`
  }

  /** Redacted: id and seconds left. */
  [inspect.custom](): string {
    return `[${this}]`
  }
}
