import type { TokenProviderOptions } from '@bandwidth-token/core'
import t from 'tap'
import { startEndpoint } from '../support/endpoint.js'
import { provide } from '../support/provide.js'
import { recordingLogger } from '../support/recording-logger.js'
import { basic, destinationOf, requestOf } from '../support/requested.js'

const GLOBAL_URL = 'https://id.voxbone.com/api/v1/oauth2/token'
const US_URL = 'https://api.bandwidth.com/api/v1/oauth2/token'

t.beforeEach(() => {
  for (const name of ['BW_CLIENT_ID', 'BW_CLIENT_SECRET', 'BW_TOKEN_URL']) delete process.env[name]
})

t.test('finds the token URL by option, then environment, then network', async (t) => {
  const urlOf = async (options: Omit<TokenProviderOptions, 'credentials'>) =>
    (await destinationOf(t, options)).url
  const tokenUrl = 'https://option.example/token'
  t.equal(await urlOf({}), GLOBAL_URL)
  t.equal(await urlOf({ network: 'global' }), GLOBAL_URL)
  t.equal(await urlOf({ network: 'us' }), US_URL)
  t.equal(await urlOf({ network: 'us', tokenUrl }), tokenUrl)

  process.env['BW_TOKEN_URL'] = 'https://environment.example/token'
  t.equal(await urlOf({}), 'https://environment.example/token')
  t.equal(await urlOf({ network: 'us' }), 'https://environment.example/token')
  t.equal(await urlOf({ tokenUrl }), tokenUrl)

  process.env['BW_TOKEN_URL'] = ''
  t.equal(await urlOf({ network: 'us' }), US_URL)
})

t.test('keeps the scope of the network beside a token URL of its own', async (t) => {
  process.env['BW_TOKEN_URL'] = 'https://environment.example/token'
  t.match(await destinationOf(t, {}), { body: /scope=voice\.webrtc$/ })
  t.notMatch(await destinationOf(t, { network: 'us' }), { body: /scope/ })
})

t.test('reads the environment at construction, and not again', async (t) => {
  const server = await startEndpoint(t)
  Object.assign(process.env, {
    BW_CLIENT_ID: 'env-id',
    BW_CLIENT_SECRET: 'env-secret',
    BW_TOKEN_URL: server.tokenUrl
  })
  const provider = provide(t, {})
  Object.assign(process.env, {
    BW_CLIENT_ID: 'later',
    BW_CLIENT_SECRET: 'later',
    BW_TOKEN_URL: 'https://later.example'
  })
  await provider.getToken()
  t.equal(server.requests[0]?.headers.authorization, basic('env-id:env-secret'))
})

t.test('takes an empty variable for a missing one', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: 'env-id', BW_CLIENT_SECRET: '' })
  t.throws(() => provide(t, {}), {
    code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
    message: /"clientSecret".*pass the option or set BW_CLIENT_SECRET in the environment/
  })
})

t.test('takes each of the two credentials from the option first', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: 'env-id', BW_CLIENT_SECRET: 'env-secret' })
  const authorizationOf = async (options: TokenProviderOptions) =>
    (await requestOf(t, options)).headers.authorization
  t.equal(await authorizationOf({ clientId: 'own' }), basic('own:env-secret'))
  t.equal(await authorizationOf({ clientSecret: 'own' }), basic('env-id:own'))
  t.equal(await authorizationOf({ clientId: undefined } as object), basic('env-id:env-secret'))
})

t.test('says of credentials in quotes where they come from', async (t) => {
  Object.assign(process.env, { BW_CLIENT_ID: '"id"', BW_CLIENT_SECRET: "'secret'" })
  for (const [options, source] of [
    [{}, 'The environment variable BW_CLIENT_SECRET'],
    [{ clientSecret: '"secret"' }, 'The option "clientSecret"']
  ] as const) {
    const logger = recordingLogger()
    provide(t, { ...options, logger })
    t.strictSame(
      logger.warnings().map(({ message }) => message.split('. ')[0]),
      ['The environment variable BW_CLIENT_ID is in quotes', `${source} is in quotes`]
    )
  }
})
