const SHARED_LENGTH = 8

/** Whether a foreign text contains eight consecutive characters of a secret, or the whole of a shorter secret. */
export function sharesWithSecret(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) => {
    const length = Math.min(SHARED_LENGTH, secret.length)
    for (let start = 0; start + length <= text.length; start++) {
      if (secret.includes(text.slice(start, start + length))) return true
    }
    return false
  })
}
