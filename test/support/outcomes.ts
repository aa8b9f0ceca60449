/** Polls until the condition holds; fails after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`still not so after 10 s: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The reason with which a promise rejects. Fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('It did not reject.')
}

/** The value that a function throws. Fails if it returns. */
export function thrownBy(fn: () => unknown): Error & Record<string, unknown> {
  try {
    fn()
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('It did not throw.')
}
