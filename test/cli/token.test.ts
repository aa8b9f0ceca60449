import t from 'tap'
import { MockAgent } from 'undici'
import { emulate } from '../support/emulate.js'
import { diagnose, environmentOf, isFault, isWell } from './diagnose.js'

const emulator = await emulate(t)
const env = environmentOf(emulator)
const grant = { access_token: 'opaque', access_token_id: 'id', token_type: 'Bearer', expires_in: 600 }

t.test('credentials are refused', async (t) => {
  const findings = await diagnose({ ...env, BW_CLIENT_SECRET: 'outdated' })
  isFault(t, findings, 'credentials-refused', /answered 401 invalid_client\..*swapped, outdated/)
})

t.test(
  'the other network is suggested by its flag, unless BW_TOKEN_URL names another endpoint',
  async (t) => {
    const dispatcher = new MockAgent()
    dispatcher.disableNetConnect()
    t.teardown(() => dispatcher.close())
    const { BW_CLIENT_ID = '', BW_CLIENT_SECRET = '' } = env
    for (const [network, origin, advice] of [
      ['global', 'https://id.voxbone.com', /For the other network, try it with --network us\.$/],
      ['us', 'https://api.bandwidth.com', /For the other network, try it without --network us\.$/]
    ] as const) {
      const request = { method: 'POST', path: '/api/v1/oauth2/token' }
      dispatcher.get(origin).intercept(request).reply(401, { error: 'invalid_client' })
      const findings = await diagnose({ BW_CLIENT_ID, BW_CLIENT_SECRET }, { dispatcher, network })
      isFault(t, findings, 'credentials-refused', advice)
    }
    const elsewhere = await diagnose({ ...env, BW_CLIENT_SECRET: 'outdated' })
    t.notMatch(elsewhere.map(({ message }) => message).join(' '), '--network')
  }
)

t.test('id and secret are exchanged, which is tried only if it is asked for', async (t) => {
  const own = await emulate(t)
  const { BW_CLIENT_ID, BW_CLIENT_SECRET, ...rest } = environmentOf(own)
  const exchanged = { ...rest, BW_CLIENT_ID: BW_CLIENT_SECRET, BW_CLIENT_SECRET: BW_CLIENT_ID } as typeof env
  isFault(t, await diagnose(exchanged), 'credentials-refused', /swapped/)
  t.equal(own.received.length, 1)
  const findings = await diagnose(exchanged, { tryExchanged: true })
  isFault(t, findings, 'credentials-exchanged', /^BW_CLIENT_ID holds the secret.*Exchange them/)
  t.equal(own.received.length, 3)

  const outdated = { ...exchanged, BW_CLIENT_ID: 'outdated' }
  isFault(t, await diagnose(outdated, { tryExchanged: true }), 'credentials-refused', /answered 401/)
})

t.test('the client belongs to the other network', async (t) => {
  const us = await emulate(t, { network: 'us' })
  const findings = await diagnose(environmentOf(us))
  isFault(t, findings, 'scope-refused', /answered 400 invalid_scope\..*with --network us/)
  t.equal(us.received.length, 1, 'the other one is not tried by itself')
  isWell(t, await diagnose(environmentOf(us), { network: 'us' }))

  const global = await emulate(t, { network: 'global' })
  isFault(
    t,
    await diagnose(environmentOf(global), { network: 'us' }),
    'scope-refused',
    /without --network us/
  )
})

for (const [what, fault, code, says] of [
  [
    'a page of a proxy',
    { body: '<html>', headers: { 'content-type': 'text/html' } },
    'answer-no-token',
    /login page/
  ],
  ['JSON without a token', { body: { ok: true } }, 'answer-no-token', /"access_token"/],
  ['a redirect', { status: 302, headers: { location: '/login' } }, 'answer-no-token', /Check the token URL/],
  ['404', { status: 404 }, 'answer-no-token', /unexpected status \(404\)/],
  ['too many requests', { status: 429 }, 'endpoint-unavailable', /429.*too many requests/],
  ['a fault of its own', { status: 503 }, 'endpoint-unavailable', /503.*problem of its own/],
  [
    'no right to ask this way',
    { status: 403, body: { error: 'unauthorized_client' } },
    'credentials-refused',
    /enable/
  ],
  ['a life of 5 s', { body: { ...grant, expires_in: 5 } }, 'lifetime-too-short', /live 5 s/],
  [
    'the id of another token',
    { body: { ...grant, access_token: jwt({ jti: 'other' }) } },
    'id-mismatch',
    /"jti"/
  ]
] as const) {
  t.test(`the endpoint answers with ${what}`, async (t) => {
    emulator.script([fault, fault, fault])
    isFault(t, await diagnose(env), code, says)
    emulator.script([])
  })
}

t.test('tokens are dead on arrival', async (t) => {
  const late = { delayMs: 1000, body: { ...grant, expires_in: 1 } }
  emulator.script([late, late, late])
  isFault(t, await diagnose(env), 'lifetime-too-short', /no time left when they arrive/)
  emulator.script([])
})

t.test('what is only remarkable is no fault', async (t) => {
  const { expires_in, ...endless } = grant
  emulator.script([{ body: endless }])
  const assumed = await diagnose(env)
  isWell(t, assumed)
  t.match(assumed.at(-1), { level: 'note', code: 'lifetime-missing' })

  emulator.script([{ body: { ...grant, access_token_id: 'not usable' } }])
  const anonymous = await diagnose(env)
  isWell(t, anonymous)
  t.match(anonymous.at(-1), { level: 'note', code: 'id-missing' })
})

t.test('the clock is wrong by more than 5 s', async (t) => {
  const dateIn = (seconds: number) => [
    { headers: { date: new Date(Date.now() + seconds * 1000).toUTCString() } }
  ]
  emulator.script(dateIn(60))
  isFault(t, await diagnose(env), 'clock', /(58|59|60) s behind.*NTP/)
  emulator.script(dateIn(-3600))
  isFault(t, await diagnose(env), 'clock', /3(599|600) s ahead of/)
  for (const seconds of [-4, 4]) {
    emulator.script(dateIn(seconds))
    isWell(t, await diagnose(env))
  }
  emulator.script([{ headers: { date: 'never' } }])
  const findings = await diagnose(env)
  isWell(t, findings)
  t.notOk(findings.some(({ code }) => code === 'clock'))
})

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.signature`
}
