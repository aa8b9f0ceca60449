import type { GetTokenOptions, TokenProvider } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { startEndpoint } from '../../support/endpoint.js'

const INVALID = { code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID' }

/** A provider that has a fresh token of "ada", which was used. */
async function warmProvider(t: Test): Promise<TokenProvider> {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t)
  await provider.getToken({ account: 'ada' })
  return provider
}

t.test('refuses an unknown option beside an account that has a token', async (t) => {
  const provider = await warmProvider(t)
  const options = { account: 'ada', acount: 'grace' }
  await t.rejects(provider.getToken(options), { ...INVALID, message: /"acount".*"account"/ })
})

t.test('refuses an array, a function and a string that carry an account', async (t) => {
  const provider = await warmProvider(t)
  for (const carrier of [[], () => {}]) {
    await t.rejects(provider.getToken(Object.assign(carrier, { account: 'ada' })), INVALID)
  }
  await t.rejects(provider.getToken('ada' as GetTokenOptions), INVALID)
  await t.rejects(provider.getToken(null as unknown as GetTokenOptions), INVALID)
})

t.test('takes an account by its own properties only', async (t) => {
  const provider = await warmProvider(t)
  const ada = await provider.getToken({ account: 'ada' })
  t.not(await provider.getToken(Object.create({ account: 'ada' })), ada)
  const own = Object.assign(Object.create({ account: 'grace', signal: 'none' }), { account: 'ada' })
  t.equal(await provider.getToken(own), ada)
  const hidden = Object.defineProperty({}, 'account', { value: 'ada' })
  t.not(await provider.getToken(hidden), ada)
})

t.test('takes no account from a polluted prototype', async (t) => {
  const provider = await warmProvider(t)
  const polluted = Object.prototype as GetTokenOptions & { account?: string }
  const ada = await provider.getToken({ account: 'ada' })
  Object.assign(polluted, { account: 'ada', minimumLifetimeMs: 'long' })
  t.teardown(() => {
    Reflect.deleteProperty(polluted, 'account')
    Reflect.deleteProperty(polluted, 'minimumLifetimeMs')
  })
  const taken = [await provider.getToken({}), await provider.getToken({ account: 'ada' })]
  t.not(taken[0], ada)
  t.equal(taken[1], ada)
})

t.test('rejects with what a getter of the options throws', async (t) => {
  const provider = await warmProvider(t)
  const thrown = new Error('no account')
  const options = {
    get account(): string {
      throw thrown
    }
  }
  t.equal(await provider.getToken(options).catch((error) => error), thrown)
  const proxy = new Proxy(options, {
    ownKeys() {
      throw thrown
    }
  })
  t.equal(await provider.getToken(proxy).catch((error) => error), thrown)
})

t.test('reads an account that a getter or a proxy gives', async (t) => {
  const provider = await warmProvider(t)
  const ada = await provider.getToken({ account: 'ada' })
  const options = {
    get account() {
      return 'ada'
    }
  }
  t.equal(await provider.getToken(options), ada)
  t.equal(await provider.getToken(new Proxy({ account: 'ada' }, {})), ada)
})
