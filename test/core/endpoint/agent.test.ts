import { TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { Dispatcher } from 'undici'
import { grant, startEndpoint } from '../../support/endpoint.js'
import { thrownBy } from '../../support/outcomes.js'

const CREDENTIALS = { clientId: 'client', clientSecret: 'secret' }

/** Bun replaces undici by a shim in which `Agent` has no `request()`. */
function withoutRequest(run: () => void): void {
  const { request } = Dispatcher.prototype
  Reflect.deleteProperty(Dispatcher.prototype, 'request')
  try {
    run()
  } finally {
    Dispatcher.prototype.request = request
  }
}

t.test('says at construction that a runtime without Agent#request() needs a dispatcher', async (t) => {
  const server = await startEndpoint(t, grant())
  withoutRequest(() => {
    const error = thrownBy(() => new TokenProvider(CREDENTIALS))
    t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', statusCode: 500 })
    t.match(error.message, /^Invalid option "dispatcher": expected a dispatcher with a method request\(\)/)
    t.match(error.message, /pass one that sends requests with fetch\(\) \(docs\/bun\.md\); got undefined\.$/)
    t.doesNotThrow(
      () => new TokenProvider({ ...CREDENTIALS, dispatcher: { request: async () => ({}) as never } })
    )
  })
  const provider = new TokenProvider({ ...CREDENTIALS, tokenUrl: server.tokenUrl })
  t.teardown(() => provider.close())
  t.equal((await provider.getToken()).accessToken, 'token-1', 'and any other runtime does not')
})
