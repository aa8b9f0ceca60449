import type undici from 'undici'

/** A version of undici, with the types of the one that the core uses. */
export type Undici = typeof undici

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
/** undici 8 runs on Node 22.19. On an older one, `undici8.more.test.ts` runs these tests with Node 24. */
const runsUndici8 = major > 22 || (major === 22 && minor >= 19)

const NAMES = ['undici6', 'undici', ...(runsUndici8 ? ['undici8'] : [])]

export const versions: readonly (readonly [name: string, undici: Undici])[] = await Promise.all(
  NAMES.map(async (name) => [name.replace(/i$/, 'i7'), (await import(name)) as Undici] as const)
)
