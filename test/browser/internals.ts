/** The pure functions of the page's half, which its package does not export, taken from what is published. */
export const { planLifetime, stopwatch } = (await import(
  new URL('lifetime.js', import.meta.resolve('@bandwidth-token/browser')).href
)) as typeof import('../../packages/browser/dist/lifetime.js')
