import t from 'tap'
import { Agent } from 'undici'
import { emulate } from '../support/emulate.js'
import { diagnose, environmentOf, isFault, isWell } from './diagnose.js'

const emulator = await emulate(t, { clientId: 'hgranger', clientSecret: 'Cr00k$h@nk$' })
const env = environmentOf(emulator)

t.test('all is well', async (t) => {
  const findings = await diagnose(env)
  isWell(t, findings)
  t.match(findings, [
    { level: 'ok', stage: 'environment', code: 'credentials' },
    { level: 'note', stage: 'environment', code: 'token-url', message: emulator.origin },
    { level: 'ok', stage: 'endpoint', code: 'endpoint' },
    { level: 'ok', stage: 'endpoint', code: 'clock' },
    { level: 'ok', stage: 'token', code: 'token' }
  ])
  t.equal(findings.length, 5)
})

t.test('variables are missing', async (t) => {
  const { BW_CLIENT_ID = '', BW_CLIENT_SECRET = '', BW_TOKEN_URL = '' } = env
  isFault(
    t,
    await diagnose({ BW_TOKEN_URL }),
    'credentials-missing',
    /^BW_CLIENT_ID and BW_CLIENT_SECRET are/
  )
  isFault(t, await diagnose({ BW_TOKEN_URL, BW_CLIENT_ID }), 'credentials-missing', /^BW_CLIENT_SECRET is/)
  const empty = { ...env, BW_CLIENT_ID: '', BW_CLIENT_SECRET }
  isFault(t, await diagnose(empty), 'credentials-missing', /^BW_CLIENT_ID is missing.*--env-file/)
})

for (const [what, change, code, says] of [
  [
    'the secret ends with a line break',
    { BW_CLIENT_SECRET: 'Cr00k$h@nk$\n' },
    'malformed',
    /ends with a line break.*Remove/
  ],
  [
    'the id begins with a tab',
    { BW_CLIENT_ID: '\thgranger' },
    'malformed',
    /^BW_CLIENT_ID begins with a tab/
  ],
  ['the id has a colon', { BW_CLIENT_ID: 'hgranger:x' }, 'malformed', /^BW_CLIENT_ID cannot be used.*":"/],
  [
    'the secret is in quotes',
    { BW_CLIENT_SECRET: '"Cr00k$h@nk$"' },
    'quoted',
    /^BW_CLIENT_SECRET is in quotes, and/
  ],
  ['the id is in quotes', { BW_CLIENT_ID: "'hgranger'" }, 'quoted', /^BW_CLIENT_ID is in quotes, and/],
  [
    'the secret ends with a space',
    { BW_CLIENT_SECRET: 'Cr00k$h@nk$ ' },
    'spaced',
    /ends with a space.*Remove/
  ],
  ['the id begins with a space', { BW_CLIENT_ID: ' hgranger' }, 'spaced', /^BW_CLIENT_ID begins or ends/]
] as const) {
  t.test(`finds that ${what}`, async (t) => {
    isFault(t, await diagnose({ ...env, ...change }), `credentials-${code}`, says)
  })
}

t.test('quotes that are part of the secret are no fault', async (t) => {
  const quoted = await emulate(t, { clientSecret: '"quoted"' })
  const findings = await diagnose(environmentOf(quoted))
  isWell(t, findings)
  t.match(findings[0], { level: 'note', code: 'credentials-quoted', message: /part of it\.$/ })
})

t.test('BW_TOKEN_URL is left over from development', async (t) => {
  const gone = await emulate(t)
  await gone.close()
  const left = { ...env, BW_TOKEN_URL: gone.tokenUrl }
  isFault(
    t,
    await diagnose(left),
    'token-url-left-over',
    /ECONNREFUSED.*left over from development\? Unset it/
  )

  const compose = { ...env, BW_TOKEN_URL: 'http://emulator:4010/api/v1/oauth2/token' }
  isFault(t, await diagnose(compose), 'token-url-invalid', /Is it left over from development\?/)
})

t.test('BW_TOKEN_URL is no URL', async (t) => {
  for (const url of ['id.voxbone.com', 'ftp://id.voxbone.com', 'https://user:word@id.voxbone.com/token']) {
    isFault(
      t,
      await diagnose({ ...env, BW_TOKEN_URL: url }),
      'token-url-invalid',
      /^BW_TOKEN_URL cannot be used/
    )
  }
})

t.test('an emulator in another container is allowed, if it is asked for', async (t) => {
  const compose = {
    ...env,
    BW_TOKEN_URL: env.BW_TOKEN_URL?.replace('127.0.0.1', 'emulator.localdomain') ?? ''
  }
  isFault(t, await diagnose(compose), 'token-url-invalid', /give --allow-insecure-token-url/)
  const dispatcher = new Agent({
    connect: { lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) }
  })
  t.teardown(() => dispatcher.close())
  isWell(t, await diagnose(compose, { allowInsecureTokenUrl: true, dispatcher }))
})
