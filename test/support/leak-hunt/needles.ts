/** How a secret may be written. */
export type Form = 'plain' | 'base64' | 'base64url' | 'percent-encoded' | 'hex'

/** One place in a text that shows a secret, or twelve characters of it and more. */
export interface Finding {
  readonly secret: string
  readonly form: Form
  readonly isWhole: boolean
}

interface Needle {
  readonly secret: string
  readonly form: Form
  readonly text: string
}

/** So many characters in a row give a secret away. */
export const TELLING_LENGTH = 12
const GRAM = 6
/** Whatever is `TELLING_LENGTH` long covers a whole gram that begins at a multiple of this. */
const STRIDE = TELLING_LENGTH - GRAM + 1

/** Finds secrets in texts, whole or in part, in each form. */
export class Needles {
  readonly #grams = new Map<string, { readonly needle: Needle; readonly at: number }[]>()

  constructor(secrets: Readonly<Record<string, string>>) {
    const seen = new Set<string>()
    for (const [secret, value] of Object.entries(secrets)) {
      for (const [form, text] of formsOf(value)) {
        if (text.length < TELLING_LENGTH) throw new Error(`${secret} is too short to be told from chance`)
        if (seen.has(text)) continue
        seen.add(text)
        this.#add({ secret, form, text })
      }
    }
  }

  find(text: string): Finding[] {
    const findings: Finding[] = []
    let doneAt = 0
    for (let at = 0; at + GRAM <= text.length; at += STRIDE) {
      if (at < doneAt) continue
      const candidates = this.#grams.get(text.slice(at, at + GRAM))
      if (candidates === undefined) continue
      const runs = candidates
        .map((candidate) => runAt(text, at, doneAt, candidate.needle, candidate.at))
        .sort((a, b) => b.length - a.length)
      const [longest] = runs
      if (longest === undefined || longest.length < TELLING_LENGTH) continue
      doneAt = longest.end
      const { secret, form } = longest.needle
      findings.push({ secret, form, isWhole: longest.length === longest.needle.text.length })
    }
    return findings
  }

  #add(needle: Needle): void {
    for (let at = 0; at + GRAM <= needle.text.length; at++) {
      const gram = needle.text.slice(at, at + GRAM)
      const known = this.#grams.get(gram)
      if (known === undefined) this.#grams.set(gram, [{ needle, at }])
      else known.push({ needle, at })
    }
  }
}

/** How far text and needle agree around a gram that they share. */
function runAt(text: string, at: number, from: number, needle: Needle, needleAt: number) {
  let before = 0
  while (
    before < needleAt &&
    at - before > from &&
    text[at - before - 1] === needle.text[needleAt - before - 1]
  ) {
    before++
  }
  let after = GRAM
  while (needleAt + after < needle.text.length && text[at + after] === needle.text[needleAt + after]) after++
  return { needle, length: before + after, end: at + after }
}

function* formsOf(value: string): Generator<[Form, string]> {
  const bytes = Buffer.from(value)
  const hex = bytes.toString('hex')
  const percent = hex.replace(/../g, '%$&')
  yield ['plain', value]
  for (const base64 of base64Alignments(bytes)) {
    yield ['base64', base64]
    yield ['base64url', base64.replaceAll('+', '-').replaceAll('/', '_')]
  }
  yield ['percent-encoded', encodeURIComponent(value)]
  yield ['percent-encoded', percent]
  yield ['percent-encoded', percent.toUpperCase()]
  yield ['hex', hex]
  yield ['hex', hex.toUpperCase()]
  // As a Buffer is printed.
  yield ['hex', hex.replace(/..(?=.)/g, '$& ')]
}

/** Base64 of bytes that stand anywhere in what was encoded, less the characters that depend on what is around. */
function base64Alignments(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const isCut = (before + bytes.length) % 3 !== 0
    return text.slice(before === 0 ? 0 : before + 1, isCut ? -1 : undefined)
  })
}
