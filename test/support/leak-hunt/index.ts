import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { looksAt, seen } from './looks.js'
import { type Finding, Needles } from './needles.js'

/** A place where a secret was seen. */
export interface Leak extends Finding {
  readonly way: string
}

/** What must never be seen, new in each run, so that no source and no file has it. */
export interface Secrets {
  readonly clientId: string
  readonly clientSecret: string
  readonly basic: string
  readonly accessToken: string
}

export function createSecrets(): Secrets {
  const clientId = `client-${randomBytes(4).toString('hex')}`
  // With characters that each form writes in another way.
  const clientSecret = `${randomBytes(15).toString('base64')}$+/@%${randomBytes(15).toString('base64')}`
  return {
    clientId,
    clientSecret,
    basic: Buffer.from(`${clientId}:${clientSecret}`).toString('base64'),
    accessToken: `${randomBytes(15).toString('base64url')}.~+/-_${randomBytes(15).toString('base64url')}`
  }
}

/** Looks for secrets in whatever it is given, and counts where they are seen. */
export class LeakHunt {
  readonly #needles: Needles

  /** Each secret under a name for the report; of at least twelve characters. */
  constructor(secrets: Readonly<Record<string, string>>) {
    this.#needles = new Needles(secrets)
  }

  inText(text: string, way = 'the text'): Leak[] {
    return this.#needles.find(text).map((finding) => ({ way, ...finding }))
  }

  /** Looks at a value in every way; what is printed goes down to `depth`. */
  in(value: unknown, depth?: number): Leak[] {
    return looksAt(value, depth).flatMap((look) => this.inText(seen(look), look[0]))
  }

  /** Fails the test for each of the things that gives something away. */
  isSilent(t: Test, things: Readonly<Record<string, unknown>>, depth?: number): void {
    for (const [name, value] of Object.entries(things)) {
      t.strictSame(typeof value === 'string' ? this.inText(value) : this.in(value, depth), [], name)
    }
  }
}

/** The hunt for the secrets of one provider. */
export function huntFor({ clientSecret, basic, accessToken }: Secrets, more: Record<string, string> = {}) {
  return new LeakHunt({
    'client secret': clientSecret,
    'Basic value': basic,
    'access token': accessToken,
    ...more
  })
}
