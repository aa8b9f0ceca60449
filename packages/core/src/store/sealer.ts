import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals (AES-256-GCM) and names (HMAC-SHA256) what goes to a store, so that the store learns nothing. */
export class Sealer {
  readonly #sealingKey: Buffer
  readonly #namingKey: Buffer

  constructor(key: Buffer) {
    const derive = (purpose: string) =>
      Buffer.from(hkdfSync('sha256', key, '', `bandwidth-token ${purpose}`, 32))
    this.#sealingKey = derive('entry v1')
    this.#namingKey = derive('name v1')
  }

  /** The name under which an entry or a failure of an identity is stored: 43 characters that reveal nothing. */
  name(identity: string, purpose: 'entry' | 'failure'): string {
    return createHmac('sha256', this.#namingKey).update(`${purpose}\n${identity}`).digest('base64url')
  }

  /** Seals a text. Only this key opens it, and only for the same identity and purpose. */
  seal(text: string, identity: string, purpose: 'entry' | 'failure'): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#sealingKey, nonce).setAAD(associated(identity, purpose))
    return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url'
    )
  }

  /** Opens a sealed text. `undefined` if it was tampered with, or belongs to another identity, purpose or key. */
  open(sealed: string, identity: string, purpose: 'entry' | 'failure'): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
    const nonce = bytes.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv(CIPHER, this.#sealingKey, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(associated(identity, purpose)).setAuthTag(bytes.subarray(-TAG_BYTES))
    try {
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES))
      return Buffer.concat([text, decipher.final()]).toString()
    } catch {
      return undefined
    }
  }
}

function associated(identity: string, purpose: string): Buffer {
  return Buffer.from(`${purpose}\n${identity}`)
}
