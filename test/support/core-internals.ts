/** Pure functions of the core that its package does not export, loaded from the built files. */
function load<Module>(file: string): Promise<Module> {
  return import(new URL(file, import.meta.resolve('@bandwidth-token/core')).href) as Promise<Module>
}

export const { parseExpiresIn, parseGrant, parseOauthError, parseRetryAfter } =
  await load<typeof import('../../packages/core/dist/esm/endpoint/parse.js')>('endpoint/parse.js')
export const { authenticate, requestToken } =
  await load<typeof import('../../packages/core/dist/esm/endpoint/request.js')>('endpoint/request.js')
export const { networkFailure } = await load<
  typeof import('../../packages/core/dist/esm/endpoint/network-failure.js')
>('endpoint/network-failure.js')
export const { hotUntilMs, nextWakeMs, refreshAgeMsOf } =
  await load<typeof import('../../packages/core/dist/esm/token/refresh-plan.js')>('token/refresh-plan.js')
export const { marginMsOf, usableMs } =
  await load<typeof import('../../packages/core/dist/esm/token/lifetime.js')>('token/lifetime.js')
export const { Acquisition } = await load<
  typeof import('../../packages/core/dist/esm/acquisition/acquisition.js')
>('acquisition/acquisition.js')
export const { maxAttempts, retryDelayMs } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/retry.js')>('acquisition/retry.js')
export const { CoolDown, coolDownMs } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/cool-down.js')>(
    'acquisition/cool-down.js'
  )
export const { doubtsAbout, loadCredentials } = await load<
  typeof import('../../packages/core/dist/esm/acquisition/credentials.js')
>('acquisition/credentials.js')
export const { failureFields } =
  await load<typeof import('../../packages/core/dist/esm/account/operator-hints.js')>(
    'account/operator-hints.js'
  )
export const { isOriginAllowed } =
  await load<typeof import('../../packages/core/dist/esm/route/origin.js')>('route/origin.js')
export const { isInsecure, isLoopback, isSerializedOrigin, isTokenUrl, parseUrl } =
  await load<typeof import('../../packages/core/dist/esm/support/url.js')>('support/url.js')
export const { abortable, controllerWithin } =
  await load<typeof import('../../packages/core/dist/esm/support/abortable.js')>('support/abortable.js')
export const { hasMethods, listOf } =
  await load<typeof import('../../packages/core/dist/esm/support/check-options.js')>(
    'support/check-options.js'
  )
export const { ageMs } =
  await load<typeof import('../../packages/core/dist/esm/support/clock.js')>('support/clock.js')
export const { cancelTimeout, holdProcess, setBackgroundTimeout } = await load<
  typeof import('../../packages/core/dist/esm/support/background-timer.js')
>('support/background-timer.js')
export const { LineBudget } =
  await load<typeof import('../../packages/core/dist/esm/support/line-budget.js')>('support/line-budget.js')
export const { createLog } =
  await load<typeof import('../../packages/core/dist/esm/support/logger.js')>('support/logger.js')
export const { sharesWithSecret } = await load<
  typeof import('../../packages/core/dist/esm/support/shares-with-secret.js')
>('support/shares-with-secret.js')
export const { MOUNT_RULES } =
  await load<typeof import('../../packages/core/dist/esm/route/mount.js')>('route/mount.js')
export const { POLICY_RULES } =
  await load<typeof import('../../packages/core/dist/esm/route/policy.js')>('route/policy.js')
export const { PROVIDER_OPTION_RULES } =
  await load<typeof import('../../packages/core/dist/esm/options.js')>('options.js')
export const { nodeHeaders } =
  await load<typeof import('../../packages/core/dist/esm/route/node-http.js')>('route/node-http.js')
export const { rejectedTokenId } =
  await load<typeof import('../../packages/core/dist/esm/route/request.js')>('route/request.js')
export const { CLOSED, POINTLESS, STOOD_STILL, TIMED_OUT, toError, toFailure, WAITED_IN_VAIN } =
  await load<typeof import('../../packages/core/dist/esm/failure.js')>('failure.js')
export const { statusFailure } = await load<
  typeof import('../../packages/core/dist/esm/endpoint/status-failure.js')
>('endpoint/status-failure.js')
export const { Sealer } =
  await load<typeof import('../../packages/core/dist/esm/store/sealer.js')>('store/sealer.js')
export const { identityText } =
  await load<typeof import('../../packages/core/dist/esm/store/identity.js')>('store/identity.js')
export const { leftMs, parseEntry } =
  await load<typeof import('../../packages/core/dist/esm/store/entry.js')>('store/entry.js')
export const { OutageLog } =
  await load<typeof import('../../packages/core/dist/esm/account/outage-log.js')>('account/outage-log.js')
export const { isNewest, mayRenew } = await load<
  typeof import('../../packages/core/dist/esm/account/minimum-lifetime.js')
>('account/minimum-lifetime.js')
export const { Pauses } =
  await load<typeof import('../../packages/core/dist/esm/account/pauses.js')>('account/pauses.js')
export const { isNearlyDead, SameTokenPause } = await load<
  typeof import('../../packages/core/dist/esm/account/same-token-pause.js')
>('account/same-token-pause.js')
export const { ClientGate, gatesOf } = await load<
  typeof import('../../packages/core/dist/esm/acquisition/client-gate.js')
>('acquisition/client-gate.js')
export const { betterToken, isImprovement } =
  await load<typeof import('../../packages/core/dist/esm/account/better-token.js')>('account/better-token.js')
export const { saysNothing, stoodStill } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/freeze.js')>('acquisition/freeze.js')
export const { Attempt } =
  await load<typeof import('../../packages/core/dist/esm/send/attempt.js')>('send/attempt.js')
export const { callerOf } =
  await load<typeof import('../../packages/core/dist/esm/send/callers.js')>('send/callers.js')
export const { isReplayable, watchBody } =
  await load<typeof import('../../packages/core/dist/esm/send/body.js')>('send/body.js')
export const { PauseWatch } =
  await load<typeof import('../../packages/core/dist/esm/observe/pause-watch.js')>('observe/pause-watch.js')
export const { publishServeError, startOfWaitMs } =
  await load<typeof import('../../packages/core/dist/esm/observe/serve-error.js')>('observe/serve-error.js')
export const { toThrowable } =
  await load<typeof import('../../packages/core/dist/esm/route/answers.js')>('route/answers.js')
export const { AccountLog } =
  await load<typeof import('../../packages/core/dist/esm/account/account-log.js')>('account/account-log.js')
export const { toAcquired, toEntry } = await load<
  typeof import('../../packages/core/dist/esm/acquisition/fleet-entry.js')
>('acquisition/fleet-entry.js')
export const { fromTold, toTold } = await load<
  typeof import('../../packages/core/dist/esm/acquisition/fleet-failure.js')
>('acquisition/fleet-failure.js')
export const { Rejections } =
  await load<typeof import('../../packages/core/dist/esm/account/rejections.js')>('account/rejections.js')
export const { AccountCache } =
  await load<typeof import('../../packages/core/dist/esm/account/account-cache.js')>(
    'account/account-cache.js'
  )
export const { describeStatus } =
  await load<typeof import('../../packages/core/dist/esm/account/status.js')>('account/status.js')
export const { Deadline } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/deadline.js')>('acquisition/deadline.js')
export const { Entrance } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/entrance.js')>('acquisition/entrance.js')
export const { Places } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/places.js')>('acquisition/places.js')
export const { fleetLoader, obtainTogether } = await load<
  typeof import('../../packages/core/dist/esm/acquisition/fleet-member.js')
>('acquisition/fleet-member.js')
export const { TimeLimit } =
  await load<typeof import('../../packages/core/dist/esm/acquisition/time-limit.js')>(
    'acquisition/time-limit.js'
  )
