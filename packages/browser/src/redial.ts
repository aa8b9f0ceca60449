/**
 * Where a call stands, for the one question whether it is dialled again.
 *
 * - `dialled`: the gateway has neither accepted nor refused it
 * - `hung-up`: the user ended it before the gateway answered
 * - `replacing`: the gateway refused its token, and the page asks the route for another
 * - `redialled`: another session has taken its place
 * - `refused`: it is over, and the page was told of the gateway's 401
 */
export type CallState = 'dialled' | 'hung-up' | 'replacing' | 'redialled' | 'refused'

/** The gateway answers 401. A redial is not dialled a third time, nor is a call that the user has ended. */
export const afterRefusal = (state: CallState, isRedial: boolean): CallState =>
  state === 'dialled' && !isRedial ? 'replacing' : 'refused'

/** The route answers. If the user hung up meanwhile, the page was told of the 401 already. */
export const afterAnswer = (state: CallState, canRedial: boolean): CallState => {
  if (state !== 'replacing') return state
  return canRedial ? 'redialled' : 'refused'
}

/** The user ends the session. While its token is being replaced, the SDK considers it ended and tells nobody. */
export const afterHangUp = (state: CallState): CallState => {
  if (state === 'dialled') return 'hung-up'
  return state === 'replacing' ? 'refused' : state
}
