const SHARED_LENGTH = 8

/** Whether a text from outside holds eight characters in a row of a secret, or the whole of a shorter one. */
export function sharesWithSecret(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) => {
    if (secret.length < SHARED_LENGTH) return text === secret
    for (let start = 0; start + SHARED_LENGTH <= text.length; start++) {
      if (secret.includes(text.slice(start, start + SHARED_LENGTH))) return true
    }
    return false
  })
}
