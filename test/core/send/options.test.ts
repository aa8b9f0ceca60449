import { type BandwidthAuthOptions, bandwidthAuth } from '@bandwidth-token/core'
import { testProvider } from '@bandwidth-token/core/testing'
import t from 'tap'
import { Agent } from 'undici'
import { thrownBy } from '../../support/outcomes.js'

const provider = testProvider()
const invalid = (name: string) => ({
  code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
  statusCode: 500,
  message: new RegExp(`"${name}"`)
})

t.test('takes origins as a browser writes them', async (t) => {
  for (const origin of [
    'https://voice.bandwidth.com',
    'https://messaging.bandwidth.com:8443',
    'http://localhost:3000',
    'http://api.localhost',
    'http://127.0.0.1:8080',
    'http://[::1]:8080'
  ]) {
    const interceptor = bandwidthAuth(provider, { origins: [origin] })
    t.equal(interceptor(() => true).length, 2, 'undici asks for a function of two parameters')
    new Agent().compose(interceptor)
  }
})

t.test('refuses origins that no browser writes, and those that are not encrypted', async (t) => {
  for (const origin of [
    'https://voice.bandwidth.com/',
    'https://voice.bandwidth.com/api',
    'https://voice.bandwidth.com:443',
    'https://VOICE.bandwidth.com',
    'https://user@voice.bandwidth.com',
    'https://*.bandwidth.com',
    'http://voice.bandwidth.com',
    'http://localhost.example',
    'ws://localhost',
    'ftp://127.0.0.1',
    'wss://voice.bandwidth.com',
    'voice.bandwidth.com',
    '*',
    'null',
    '',
    5,
    null,
    undefined,
    new URL('https://voice.bandwidth.com')
  ]) {
    const origins = ['https://voice.bandwidth.com', origin] as string[]
    t.match(
      thrownBy(() => bandwidthAuth(provider, { origins })),
      invalid('origins'),
      String(origin)
    )
  }
})

t.test('says what origins are to be', async (t) => {
  for (const origins of [undefined, []]) {
    t.match(
      thrownBy(() => bandwidthAuth(provider, { origins } as unknown as BandwidthAuthOptions)),
      {
        message:
          /expected a list of one or more origins as a browser writes them, such as ".+" \(no path, no default port\); http: is for loopback hosts; got/
      }
    )
  }
})

t.test('refuses a list of no origins, and what is no list', async (t) => {
  const sparse = ['https://voice.bandwidth.com']
  sparse.length = 2
  for (const origins of [[], sparse, 'https://voice.bandwidth.com', {}, new Set(), null, undefined]) {
    t.match(
      thrownBy(() => bandwidthAuth(provider, { origins: origins as string[] })),
      invalid('origins')
    )
  }
  t.match(
    thrownBy(() => bandwidthAuth(provider, undefined as unknown as BandwidthAuthOptions)),
    invalid('origins')
  )
})

t.test('refuses an account that is none', async (t) => {
  const origins = ['https://voice.bandwidth.com']
  for (const account of [5, null, {}, () => 'acme', 'a'.repeat(257)]) {
    t.match(
      thrownBy(() => bandwidthAuth(provider, { origins, account: account as string })),
      invalid('account')
    )
  }
  t.doesNotThrow(() => bandwidthAuth(provider, { origins, account: undefined }))
  t.doesNotThrow(() => bandwidthAuth(provider, { origins, account: '' }))
})

t.test('names an unknown option, with the right spelling', async (t) => {
  const options = { origin: ['https://voice.bandwidth.com'] } as unknown as BandwidthAuthOptions
  t.match(
    thrownBy(() => bandwidthAuth(provider, options)),
    {
      ...invalid('origin'),
      message: /"origin".*"origins"/
    }
  )
})

t.test('reads its own options only, as they were when it was made', async (t) => {
  const inherited = Object.create({ origins: ['https://voice.bandwidth.com'] })
  t.match(
    thrownBy(() => bandwidthAuth(provider, inherited)),
    invalid('origins')
  )
  const asked: unknown[] = []
  const origins = ['https://voice.bandwidth.com']
  const own = { getToken: async () => ({ accessToken: String(asked.push(1)) }) }
  const dispatch = bandwidthAuth(
    own,
    Object.freeze({ origins })
  )((_options: { origin: string; path: string }, _handler: object) => true)
  origins.push('https://evil.example')
  dispatch({ origin: 'https://evil.example', path: '/' }, {})
  t.strictSame(asked, [])
  dispatch({ origin: 'https://voice.bandwidth.com', path: '/' }, { onConnect() {}, onError() {} })
  t.strictSame(asked, [1])
})

t.test('refuses a provider that has no getToken', async (t) => {
  for (const other of [undefined, null, {}, 'token', () => 'token', { getToken: 'token' }]) {
    t.match(
      thrownBy(() =>
        bandwidthAuth(other as unknown as typeof provider, { origins: ['https://voice.bandwidth.com'] })
      ),
      invalid('provider')
    )
  }
})
