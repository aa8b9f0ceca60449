// For the tests of the page, until they import these from where they are.
export {
  type Answer,
  answerRaw,
  answerWith,
  Endpoint as TokenServer,
  type Exchange,
  grant,
  type ReceivedRequest,
  startEndpoint as startTokenServer
} from './endpoint.js'
export { rejection, thrownBy, until } from './outcomes.js'
export { shiftableClock, stillClock } from './shiftable-clock.js'
export type { Teardown } from './teardown.js'
