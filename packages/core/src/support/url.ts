/**
 * The URL that a text is, if it is one. Not by `URL.canParse()`, which in Node 20 and 22 refuses letters such as "ü"
 * once it has been optimised.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
