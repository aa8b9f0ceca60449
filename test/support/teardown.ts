/** The part of a test that ends what was started for it. */
export interface Teardown {
  teardown(fn: () => unknown): void
}
