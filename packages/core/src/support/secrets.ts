const SHARED_LENGTH = 8

/** Whether a foreign text contains eight consecutive characters of a secret in any case, or the whole of a shorter one. */
export function sharesWithSecret(text: string, secrets: readonly string[]): boolean {
  const lower = text.toLowerCase()
  return secrets.some((each) => {
    const secret = each.toLowerCase()
    const length = Math.min(SHARED_LENGTH, secret.length)
    for (let start = 0; start + length <= lower.length; start++) {
      if (secret.includes(lower.slice(start, start + length))) return true
    }
    return false
  })
}
