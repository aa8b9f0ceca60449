/** The part of a test with which a helper ends what it has started. */
export interface Teardown {
  teardown(fn: () => unknown): void
}
