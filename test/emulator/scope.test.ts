import { TokenProvider } from '@bandwidth-token/core'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { rejection } from '../support/outcomes.js'
import { requestToken } from './helpers.js'

const forms = {
  global: 'grant_type=client_credentials&scope=voice.webrtc',
  us: 'grant_type=client_credentials'
}

for (const [network, other] of [
  ['global', 'us'],
  ['us', 'global']
] as const) {
  t.test(`as the ${network} network, refuses the scope of the other one and says so`, async (t) => {
    const emulator = await emulate(t, { network })
    t.equal((await requestToken(emulator, { body: forms[network] })).status, 200)
    const refused = await requestToken(emulator, { body: forms[other] })
    t.equal(refused.status, 400)
    t.match(await refused.json(), { error: 'invalid_scope', error_description: /network, which expects/ })
    t.strictSame(
      emulator.received.map(({ scopeCorrect, status }) => [scopeCorrect, status]),
      [
        [true, 200],
        [false, 400]
      ]
    )
  })
}

t.test('stands in for both networks unless it is told which one', async (t) => {
  const emulator = await emulate(t)
  for (const body of Object.values(forms)) t.equal((await requestToken(emulator, { body })).status, 200)
  t.strictSame(
    emulator.received.map(({ scope, scopeCorrect }) => [scope, scopeCorrect]),
    [
      ['voice.webrtc', undefined],
      [undefined, undefined]
    ]
  )
})

t.test('shows a provider that is made for the other network', async (t) => {
  const { tokenUrl, clientId, clientSecret, received } = await emulate(t, { network: 'us' })
  const provider = new TokenProvider({ tokenUrl, clientId, clientSecret })
  t.teardown(() => provider.close())
  t.match(await rejection(provider.getToken()), { oauthError: 'invalid_scope' })
  t.match(received, [{ scope: 'voice.webrtc', scopeCorrect: false, status: 400 }])
})

t.test('refuses a network that does not exist', async (t) => {
  t.throws(() => startEmulator({ network: 'eu' as 'us' }), {
    code: 'ERR_BANDWIDTH_EMULATOR_OPTION_INVALID',
    message: 'option "network" must be "global" or "us", not a string'
  })
})
