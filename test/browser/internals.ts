/** The decisions of the page's half, which its package does not export, taken from what is published. */
const load = (file: string) => import(new URL(file, import.meta.resolve('@bandwidth-token/browser')).href)

export const { pauseMs, planBackOffMs, retryAfterMs } = (await load(
  'back-off.js'
)) as typeof import('../../packages/browser/dist/back-off.js')
export const { nextStep } = (await load(
  'next-step.js'
)) as typeof import('../../packages/browser/dist/next-step.js')
export const { afterAnswer, afterHangUp, afterRefusal } = (await load(
  'redial.js'
)) as typeof import('../../packages/browser/dist/redial.js')
export const { isShortForCall, isUsable, planLifetime, sameTokenRefreshLeftMs } = (await load(
  'token-lifetime.js'
)) as typeof import('../../packages/browser/dist/token-lifetime.js')
