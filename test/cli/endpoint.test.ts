import t from 'tap'
import { EnvHttpProxyAgent } from 'undici'
import type * as Endpoint from '../../packages/cli/dist/checks/endpoint.js'
import type * as Facts from '../../packages/cli/dist/checks/facts.js'
import type * as Proxies from '../../packages/cli/dist/observe/proxy.js'
import { createAuthority, selfSigned } from '../support/certificates.js'
import { ConnectProxy } from '../support/connect-proxy.js'
import { answerWith } from '../support/endpoint.js'
import { HOST, TlsEndpoint } from '../support/tls-endpoint.js'
import { diagnose, faultsIn, isFault, isWell, load } from './diagnose.js'

const { proxyVariable } = await load<typeof Proxies>('observe/proxy.js')

const endpoint = await TlsEndpoint.start(t)
const env = { BW_CLIENT_ID: 'id', BW_CLIENT_SECRET: 'secret', BW_TOKEN_URL: endpoint.tokenUrl }

/** What is found on a direct way to the endpoint. */
async function direct() {
  const dispatcher = endpoint.agent()
  const findings = await diagnose(env, { dispatcher })
  await dispatcher.destroy()
  return findings
}

const lookupError =
  (code: string) => (_name: string, _options: unknown, done: (error: Error, address: string) => void) =>
    done(Object.assign(new Error(code), { code }), '')

t.test('a healthy endpoint with TLS is well', async (t) => isWell(t, await direct()))

const set = (fault: Partial<Pick<TlsEndpoint, 'lookup' | 'onConnection' | 'port'>>) =>
  void Object.assign(endpoint, fault)

const hour = 3_600_000
const expired = { validFromMs: Date.now() - 2 * hour, validToMs: Date.now() - hour }

for (const [what, plant, code, says] of [
  ['no such host', () => set({ lookup: lookupError('ENOTFOUND') }), 'dns', /ENOTFOUND.*host name/],
  ['no DNS server', () => set({ lookup: lookupError('EAI_AGAIN') }), 'dns', /EAI_AGAIN.*DNS/],
  ['nobody listens', () => set({ port: 1 }), 'connection-refused', /ECONNREFUSED.*Nothing listens/],
  [
    'an expired certificate',
    async () => endpoint.present(await endpoint.authority.issue(HOST, expired)),
    'certificate-expired',
    /CERT_HAS_EXPIRED.*clock/
  ],
  [
    'a certificate of an unknown authority',
    async () => endpoint.present(await (await createAuthority('CN=Somebody')).issue(HOST)),
    'certificate-untrusted',
    /NODE_EXTRA_CA_CERTS/
  ],
  [
    'a self-signed certificate',
    async () => endpoint.present(await selfSigned(HOST)),
    'certificate-untrusted',
    /NODE_EXTRA_CA_CERTS/
  ],
  [
    'a certificate for another name',
    async () => endpoint.present(await endpoint.authority.issue('other.test')),
    'certificate-for-another-name',
    /another host name/
  ],
  [
    'no TLS',
    () => set({ onConnection: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }),
    'tls',
    /does not speak TLS|TLS handshake/
  ],
  [
    'a reset',
    () => set({ onConnection: (socket) => socket.destroy() }),
    'unreachable',
    /connection was closed/
  ]
] as const) {
  t.test(`${what} is found`, async (t) => {
    await plant()
    isFault(t, await direct(), code, says)
    endpoint.heal()
  })
}

/** What is found with a proxy in the environment. */
async function proxied(proxy: string, more: Readonly<Record<string, string>> = {}) {
  const dispatcher = new EnvHttpProxyAgent({
    httpsProxy: proxy,
    requestTls: { ca: endpoint.authority.cert }
  })
  const findings = await diagnose({ ...env, HTTPS_PROXY: proxy, ...more }, { dispatcher })
  await dispatcher.destroy()
  return findings
}

t.test(
  'a proxy that is set, and without which there is no way, is not used by an app as it is',
  async (t) => {
    const proxy = await ConnectProxy.start(t, () => endpoint.port)
    const findings = await proxied(proxy.url)
    isFault(t, findings, 'proxy-not-used', /only.*through the proxy in HTTPS_PROXY.*EnvHttpProxyAgent/)
    t.ok(findings.some(({ code, level }) => code === 'token' && level === 'ok'))
    t.equal(proxy.requests.length, 1)
  }
)

t.test('a proxy that is set for other hosts is only mentioned', async (t) => {
  const proxy = await ConnectProxy.start(t, () => endpoint.port)
  const dispatcher = endpoint.agent()
  t.teardown(() => dispatcher.destroy())
  for (const list of [HOST, `other.test ${HOST}:443`, '.bandwidth.test', '*']) {
    const findings = await diagnose({ ...env, HTTPS_PROXY: proxy.url, NO_PROXY: list }, { dispatcher })
    isWell(t, findings)
    const note = findings.find(({ code }) => code === 'proxy')
    t.match(note?.message, /^HTTPS_PROXY is set, but not for https:.*only with a dispatcher/, list)
  }
  for (const list of [`${HOST}:8443`, 'bandwidth', 'other.test']) {
    const found = await diagnose({ ...env, HTTPS_PROXY: proxy.url, NO_PROXY: list }, { dispatcher })
    t.strictSame(faultsIn(found), ['proxy-not-used'], list)
  }
})

t.test('names the variable whose proxy undici takes, which an empty one hides', async (t) => {
  const set = {
    https_proxy: 'http://s',
    HTTPS_PROXY: 'http://S',
    http_proxy: 'http://h',
    HTTP_PROXY: 'http://H'
  }
  for (const [url, environment, name] of [
    ['https://id.test', set, 'https_proxy'],
    ['http://id.test', set, 'http_proxy'],
    ['https://id.test', { ...set, https_proxy: undefined }, 'HTTPS_PROXY'],
    ['https://id.test', { ...set, https_proxy: '' }, 'http_proxy'],
    ['https://id.test', { ...set, https_proxy: '', http_proxy: undefined }, 'HTTP_PROXY'],
    ['https://id.test', { ...set, https_proxy: '', http_proxy: '' }, undefined],
    ['http://id.test', { ...set, http_proxy: '' }, undefined],
    ['https://id.test', { HTTPS_PROXY: 'http://S' }, 'HTTPS_PROXY'],
    ['http://id.test', { HTTPS_PROXY: 'http://S' }, undefined],
    ['https://id.test', {}, undefined]
  ] as const) {
    t.equal(proxyVariable(environment, url), name, `${url} ${JSON.stringify(environment)}`)
  }
})

t.test('a proxy refuses', async (t) => {
  const proxy = await ConnectProxy.start(t, () => endpoint.port)
  for (const [status, says] of [
    [407, /HTTPS_PROXY asks for a user name and a password \(407\)/],
    [403, /HTTPS_PROXY refuses to connect \(403\)/]
  ] as const) {
    proxy.onConnect = (socket) => socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`)
    isFault(t, await proxied(proxy.url), 'proxy-refused', says)
  }
})

t.test('a proxy cannot be reached', async (t) => {
  const findings = await proxied('http://127.0.0.1:1')
  isFault(t, findings, 'proxy-unreachable', /The proxy in HTTPS_PROXY cannot be reached \(ECONNREFUSED\)/)
})

t.test('a certificate is judged behind a proxy too', async (t) => {
  const proxy = await ConnectProxy.start(t, () => endpoint.port)
  endpoint.present(await endpoint.authority.issue(HOST, expired))
  isFault(t, await proxied(proxy.url), 'certificate-expired', /expired/)
  endpoint.heal()
})

t.test('a proxy that answers itself is named', async (t) => {
  endpoint.answer = answerWith(407)
  const proxy = await ConnectProxy.start(t, () => endpoint.port)
  isFault(t, await proxied(proxy.url), 'proxy-refused', /407/)
})

const { checkEndpoint } = await load<typeof Endpoint>('checks/endpoint.js')
const { clockAheadMs } = await load<typeof Facts>('checks/facts.js')

t.test(
  'says that a proxy is used only with a dispatcher, where there is another way or a token',
  async (t) => {
    const seen = {
      environment: {},
      network: 'global',
      attempt: {
        token: {} as never,
        error: undefined,
        hint: undefined,
        warnings: [],
        exchanges: [],
        proxyStatus: undefined,
        url: 'https://id.example/token'
      },
      exchanged: undefined,
      proxyVariable: 'https_proxy',
      isReachedDirectly: true,
      route: undefined
    } as const
    const findings = checkEndpoint(seen)
    isWell(t, findings)
    t.match(findings[1], { level: 'note', code: 'proxy', message: /https_proxy.*only with a dispatcher/ })
    const body = { access_token: 'x', expires_in: 600 }
    const visit = { status: 200, headers: {}, body }
    const route = {
      url: '',
      hasCookie: true,
      anonymous: visit,
      visitor: visit,
      foreignPage: visit,
      ownPage: visit
    }
    isWell(t, checkEndpoint({ ...seen, isReachedDirectly: false, route }))
  }
)

t.test('gives the clocks the benefit of the doubt', async (t) => {
  const ahead = (dateMs: number | undefined) =>
    clockAheadMs({ exchanges: [{ sentAtMs: 10_500, receivedAtMs: 12_000, dateMs }] })
  t.equal(ahead(10_000), 0, 'the rest of its second')
  t.equal(ahead(12_000), 0)
  t.equal(ahead(3_000), 6_500)
  t.equal(ahead(20_000), -8_000)
  t.equal(ahead(undefined), undefined)
})
