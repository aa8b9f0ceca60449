/** When a token is too old to hand out, and when the page asks for the next one. */
export interface LifetimePlan {
  /** A token with less than this left is not handed out. */
  readonly marginMs: number
  /** Once no more than this is left, the page asks for the next token. */
  readonly refreshLeftMs: number
}

const MARGIN_MS = 10_000
const REFRESH_LEFT_MS = 20_000
const REFRESH_SPREAD_MS = 5_000
const SAME_TOKEN_WAIT_MS = 5_000
const DIALLING_MS = 20_000

/**
 * Bandwidth's documentation: use a token until 10 to 30 seconds before it expires. Our server replaces it between 30
 * and 20 seconds before; the page asks after that, so it gets the new one. A short lifetime shrinks both limits.
 *
 * @param random from 0 to 1, drawn once per token, so that many pages do not ask at the same instant
 */
export const planLifetime = (lifetimeMs: number, random: number): LifetimePlan => ({
  marginMs: Math.min(MARGIN_MS, lifetimeMs / 2),
  refreshLeftMs:
    Math.min(REFRESH_LEFT_MS, lifetimeMs * 0.75) - random * Math.min(REFRESH_SPREAD_MS, lifetimeMs / 8)
})

/** Whether a token with this much left may be handed out. */
export const isUsable = ({ marginMs }: LifetimePlan, leftMs: number): boolean =>
  leftMs > 0 && leftMs >= marginMs

/** Whether a usable token may expire while the browser asks for the microphone: the SDK has taken it before that. */
export const isShortForCall = (plan: LifetimePlan, leftMs: number): boolean =>
  leftMs < DIALLING_MS && isUsable(plan, leftMs)

/** Milliseconds until the page asks for the next token; 0 or less if it should ask now. */
export const refreshInMs = ({ refreshLeftMs }: LifetimePlan, leftMs: number): number => leftMs - refreshLeftMs

/** The `refreshLeftMs` of a token that the route handed out once more: the server has no newer one, so wait a while. */
export const sameTokenRefreshLeftMs = ({ refreshLeftMs }: LifetimePlan, leftMs: number): number =>
  Math.min(refreshLeftMs, leftMs - SAME_TOKEN_WAIT_MS)
