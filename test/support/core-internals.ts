/** The pure functions of the core, which its package does not export, taken from what is published. */
function load<Module>(file: string): Promise<Module> {
  return import(new URL(file, import.meta.resolve('@bandwidth-token/core')).href) as Promise<Module>
}

export const { parseGrant, parseOauthError, requestToken } =
  await load<typeof import('../../packages/core/dist/esm/endpoint.js')>('endpoint.js')
export const { ageMs, parseExpiresIn, planLifetime } =
  await load<typeof import('../../packages/core/dist/esm/lifetime.js')>('lifetime.js')
export const { coolDownMs, parseRetryAfter, retryDelayMs } =
  await load<typeof import('../../packages/core/dist/esm/retry.js')>('retry.js')
export const { isOriginAllowed, isSerializedOrigin } =
  await load<typeof import('../../packages/core/dist/esm/origin.js')>('origin.js')
export const { rejectedTokenId } =
  await load<typeof import('../../packages/core/dist/esm/route.js')>('route.js')
export const { networkFailure, toError } =
  await load<typeof import('../../packages/core/dist/esm/failure.js')>('failure.js')
export const { chooseToken, isNearlyDead, nextWakeMs } =
  await load<typeof import('../../packages/core/dist/esm/cached-token.js')>('cached-token.js')
