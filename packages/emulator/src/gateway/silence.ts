import { randomBytes } from 'node:crypto'
import type { CallMedia } from './call-media.js'
import type { Local } from './offer.js'

/** What stands in for the media where the optional peer is not installed: calls connect, but nothing is heard. */
export class Silence implements CallMedia {
  #lastId = 0

  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  async open(_id: number, address: string): Promise<Local> {
    const digest = randomBytes(32).toString('hex').toUpperCase()
    return {
      address,
      port: undefined,
      ssrc: randomBytes(4).readUInt32BE(),
      ufrag: randomBytes(3).toString('hex'),
      password: randomBytes(16).toString('hex'),
      fingerprint: { algorithm: 'sha-256', value: digest.replace(/..(?=.)/g, '$&:') }
    }
  }

  echo(): void {}

  close(): void {}

  async stop(): Promise<void> {}
}
