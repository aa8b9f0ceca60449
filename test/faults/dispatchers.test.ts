import { TokenProvider } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici'
import { createAuthority, selfSigned } from '../support/certificates.js'
import { ConnectProxy } from '../support/connect-proxy.js'
import { grant } from '../support/endpoint.js'
import { rejection, until } from '../support/outcomes.js'
import { HOST, TlsEndpoint } from '../support/tls-endpoint.js'
import { hunt, secrets, setStage } from './stage.js'

delete process.env['BW_TOKEN_URL']

function providerWith(t: Test, dispatcher: Dispatcher | undefined, tokenUrl: string): TokenProvider {
  const provider = new TokenProvider({
    clientId: secrets.clientId,
    clientSecret: secrets.clientSecret,
    tokenUrl,
    ...(dispatcher && { dispatcher })
  })
  t.teardown(async () => {
    await provider.close()
    await dispatcher?.destroy()
  })
  return provider
}

t.test('an authority of the user is trusted through a dispatcher, and only through it', async (t) => {
  const endpoint = await TlsEndpoint.start(t)
  // The certificate of an address: no lookup stands between.
  endpoint.present(await endpoint.authority.issue('127.0.0.1'))
  const tokenUrl = `https://127.0.0.1:${endpoint.port}/token`
  const trusting = new Agent({ connect: { ca: endpoint.authority.cert } })
  t.equal((await providerWith(t, trusting, tokenUrl).getToken()).accessTokenId, 'id-1')

  for (const dispatcher of [
    undefined,
    new Agent(),
    new Agent({ connect: { ca: (await createAuthority()).cert } })
  ]) {
    const error = await rejection(providerWith(t, dispatcher, tokenUrl).getToken())
    t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', attempts: 3 })
    t.match(error.cause, { code: /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE)$/ })
  }
  t.equal(endpoint.requests.length, 1, 'nothing was sent to whom nobody trusts')
})

t.test('the default dispatcher shows its credentials to no endpoint that signs for itself', async (t) => {
  const endpoint = await TlsEndpoint.start(t)
  endpoint.present(await selfSigned('127.0.0.1'))
  const provider = providerWith(t, undefined, `https://127.0.0.1:${endpoint.port}/token`)
  const error = await rejection(provider.getToken())
  t.match(error.cause, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  t.equal(endpoint.connections, 3)
  t.strictSame(endpoint.requests, [])
})

t.test('a certificate of the client is shown through a dispatcher', async (t) => {
  const endpoint = await TlsEndpoint.start(t, grant(), true)
  const client = await endpoint.authority.issue('client')
  endpoint.present(await endpoint.authority.issue('127.0.0.1'))
  const tokenUrl = `https://127.0.0.1:${endpoint.port}/token`
  const ca = endpoint.authority.cert
  const known = new Agent({ connect: { ca, ...client } })
  t.equal((await providerWith(t, known, tokenUrl).getToken()).accessTokenId, 'id-1')

  const unknown = new Agent({ connect: { ca } })
  const error = await rejection(providerWith(t, unknown, tokenUrl).getToken())
  t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', attempts: 3 })
  t.equal(endpoint.requests.length, 1)
})

const PROXIES: Readonly<Record<string, (url: string, ca: string) => Dispatcher>> = {
  ProxyAgent: (uri, ca) => new ProxyAgent({ uri, requestTls: { ca } }),
  'ProxyAgent with credentials': (url, ca) =>
    new ProxyAgent({ uri: url.replace('//', '//user:password@'), requestTls: { ca } }),
  EnvHttpProxyAgent: (httpsProxy, ca) => new EnvHttpProxyAgent({ httpsProxy, requestTls: { ca } }),
  'EnvHttpProxyAgent with HTTPS_PROXY': (url, ca) => {
    const before = process.env['HTTPS_PROXY']
    process.env['HTTPS_PROXY'] = url
    try {
      return new EnvHttpProxyAgent({ requestTls: { ca } })
    } finally {
      if (before === undefined) delete process.env['HTTPS_PROXY']
      else process.env['HTTPS_PROXY'] = before
    }
  }
}

for (const [name, create] of Object.entries(PROXIES)) {
  t.test(`a token is fetched through the tunnel of a ${name}`, async (t) => {
    const endpoint = await TlsEndpoint.start(t)
    const proxy = await ConnectProxy.start(t, () => endpoint.port)
    const dispatcher = create(proxy.url, endpoint.authority.cert)
    const provider = providerWith(t, dispatcher, endpoint.tokenUrl)
    const token = await provider.getToken()
    t.equal(token.accessTokenId, 'id-1')
    t.equal(endpoint.requests[0]?.headers.authorization, `Basic ${secrets.basic}`)
    t.equal(endpoint.requests[0]?.headers['proxy-authorization'], undefined)

    const [connect] = proxy.requests
    t.equal(proxy.requests.length, 1)
    t.equal(connect?.url, `${HOST}:443`)
    t.equal(connect?.headers.authorization, undefined)
    if (name.endsWith('credentials')) {
      t.equal(
        connect?.headers['proxy-authorization'],
        `Basic ${Buffer.from('user:password').toString('base64')}`
      )
    }
    t.not(proxy.read.length, 0)
    hunt.isSilent(t, {
      'what the proxy could read': proxy.read,
      'its request': JSON.stringify(connect?.rawHeaders)
    })
  })
}

t.test('a proxy that hangs up before the tunnel is there costs time and no more', async (t) => {
  // Until 8.10.1 undici dials again at once, without end, and never rejects (nodejs/undici#3897).
  const { provider, proxy, endpoint, outcome, hangs, heal, clock } = await setStage(t, 'ProxyAgent')
  let calls = 0
  proxy.onConnect = (socket) => {
    socket.end()
    // What is one attempt for the provider is one as long as it lasts.
    if (++calls % 10 === 0) hangs()
  }
  const error = (await outcome(provider.getToken())) as Error
  t.match(error, { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', attempts: 3 })
  t.strictSame(endpoint.requests, [])
  heal()
  await clock.advance(provider.status().retryInMs ?? 0)
  t.match(await outcome(provider.getToken()), { accessTokenId: 'id-1' })
  t.equal(endpoint.requests.length, 1, 'what was given up is not sent any more')
  await provider.close()
  await until(() => clock.timers.size === 0)
})
