import { runInNewContext } from 'node:vm'
import type { Credentials } from '@bandwidth-token/core'
import t from 'tap'
import { doubtsAbout, loadCredentials } from '../../support/core-internals.js'
import { startEndpoint } from '../../support/endpoint.js'
import { recordingLogger } from '../../support/recording-logger.js'

/** Part of every bad secret below: no message may repeat it. */
const SECRET = 'hunter2'
const GOOD = { clientId: 'id', clientSecret: SECRET }
const REJECTED = { code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', remedy: 'wait' } as const

/** What becomes of a value that a `credentials` function returns. */
async function returned(value: unknown): Promise<Credentials & { readonly message: string }> {
  return (await loadCredentials(() => value as Credentials, 'a')) as Credentials & { message: string }
}

t.test('calls the function with the account', async (t) => {
  const accounts: string[] = []
  const look = async (account: string) => {
    accounts.push(account)
    return GOOD
  }
  t.strictSame(await loadCredentials(look, 'ada'), GOOD)
  t.strictSame(await loadCredentials(look, ''), GOOD)
  t.strictSame(accounts, ['ada', ''])
})

t.test('takes own properties only', async (t) => {
  class Fields {
    clientId = 'id'
    clientSecret = SECRET
  }
  class Getters {
    get clientId() {
      return 'id'
    }
    get clientSecret() {
      return SECRET
    }
  }
  t.strictSame(await returned(new Fields()), GOOD, 'fields of a class instance are its own')
  t.strictSame(await returned(Object.assign(Object.create(null), GOOD)), GOOD)
  t.strictSame(await returned(Object.assign(() => {}, GOOD)), GOOD)
  t.strictSame(await returned({ ...GOOD, region: 'us' }), GOOD, 'and nothing more')
  const getter = {
    clientId: 'id',
    get clientSecret() {
      return SECRET
    }
  }
  t.strictSame(await returned(getter), GOOD)

  for (const value of [new Getters(), Object.create(GOOD)]) {
    const failure = await returned(value)
    t.match(failure, REJECTED)
    t.match(failure.message, 'returned an object without an own property "clientId"')
  }
  t.match(await returned(Object.assign(Object.create({ clientSecret: SECRET }), { clientId: 'id' })), {
    ...REJECTED,
    message: 'without an own property "clientSecret"'
  })
})

t.test('is not completed by a polluted prototype', async (t) => {
  const endpoint = await startEndpoint(t)
  const answers: object[] = [{}, { clientId: 'id' }]
  const provider = endpoint.provider(t, { credentials: () => answers.shift() as Credentials })
  for (const [name, value] of Object.entries({ clientId: 'evil', clientSecret: 'evil' })) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true })
    t.teardown(() => Reflect.deleteProperty(Object.prototype, name))
  }
  for (const account of ['a', 'b']) {
    await t.rejects(provider.getToken({ account }), { code: REJECTED.code })
  }
  t.equal(endpoint.count, 0, 'nothing was sent')
})

t.test('uses what it has checked, even if a getter gives something else the next time', async (t) => {
  let reads = 0
  const fickle = {
    clientId: 'id',
    get clientSecret() {
      return reads++ === 0 ? SECRET : ''
    }
  }
  const credentials = await returned(fickle)
  t.equal(credentials.clientSecret, SECRET)
  t.equal(credentials.clientSecret, SECRET)
})

t.test('names what is wrong with the returned value, and does not repeat it', async (t) => {
  for (const [value, problem] of [
    [undefined, 'returned undefined instead of { clientId, clientSecret }'],
    [null, 'returned null instead of'],
    [SECRET, 'returned a string instead of'],
    [[], 'returned an object without an own property "clientId"'],
    [{}, 'returned an object without an own property "clientId"'],
    [{ id: 'id', secret: SECRET }, 'returned an object without an own property "clientId"'],
    [{ clientId: 'id' }, 'returned an object without an own property "clientSecret"'],
    [{ clientId: 'id', clientSecret: undefined }, 'returned as "clientSecret" undefined instead of'],
    [{ clientId: 'id', clientSecret: '' }, 'returned as "clientSecret" an empty string instead of'],
    [{ clientId: 'id', clientSecret: 7 }, 'returned as "clientSecret" a number instead of'],
    [
      { clientId: 'id', clientSecret: `${SECRET}\n` },
      'returned as "clientSecret" a string that ends with a line break instead of a non-empty string without control'
    ],
    [{ clientId: `${SECRET}\r`, clientSecret: 's' }, 'as "clientId" a string that ends with a line break'],
    [{ clientId: `${SECRET}:`, clientSecret: 's' }, 'returned as "clientId" a string instead of'],
    [{ clientId: `\t${SECRET}`, clientSecret: 's' }, 'as "clientId" a string that begins with a tab']
  ] as const) {
    const failure = await returned(value)
    t.match(failure, REJECTED)
    t.match(failure.message, `The "credentials" function ${problem.replace(/^as/, 'returned as')}`)
    t.notMatch(JSON.stringify(failure), SECRET)
    t.notOk('thrown' in failure)
  }
})

t.test('says that the function threw, and keeps the type of what it threw for the log', async (t) => {
  class SecretNotFoundException extends Error {
    override name = 'SecretNotFoundException'
  }
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  for (const [thrown, type] of [
    [new Error(SECRET), 'Error'],
    [new TypeError(SECRET), 'TypeError'],
    [new SecretNotFoundException(SECRET), 'SecretNotFoundException'],
    [runInNewContext('new RangeError("hunter2")'), 'RangeError'],
    [Object.assign(new Error(SECRET), { name: SECRET }), 'Error'],
    [Object.assign(new Error('x'), { name: `The ${SECRET} Error` }), 'Error'],
    [Object.assign(new Error('x'), { name: `TypeErrorOf${SECRET}` }), 'Error'],
    [Object.assign(new Error('x'), { name: `${'A'.repeat(57)}Error` }), 'Error'],
    [Object.assign(new Error('x'), { name: `${'A'.repeat(56)}Error` }), `${'A'.repeat(56)}Error`],
    [SECRET, 'a string'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, 'a number'],
    [{ message: SECRET }, 'an object'],
    [{ name: ['TypeError'] }, 'an object'],
    [
      {
        get name() {
          throw new Error(SECRET)
        }
      },
      'an object'
    ],
    [revoked.proxy, 'an object']
  ] as const) {
    for (const look of [
      () => {
        throw thrown
      },
      () => Promise.reject(thrown)
    ]) {
      const failure = await loadCredentials(look, 'a')
      t.strictSame(failure, {
        ...REJECTED,
        message: 'The "credentials" function threw an error for this account.',
        thrown: type
      })
    }
  }
  const failure = await returned({
    clientId: 'id',
    get clientSecret() {
      throw new TypeError(SECRET)
    }
  })
  t.match(failure, { thrown: 'TypeError' })
})

t.test('shows its caller which of the two it was, and nothing of what was thrown', async (t) => {
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, {
    credentials: (account) => {
      if (account === 'throws') throw new TypeError(SECRET)
      return { id: 'id', secret: SECRET } as unknown as Credentials
    }
  })
  const throws = await provider.getToken({ account: 'throws' }).catch((error: Error) => error)
  const returns = await provider.getToken({ account: 'returns' }).catch((error: Error) => error)
  t.match(throws, { code: REJECTED.code, message: 'threw an error' })
  t.match(returns, { code: REJECTED.code, message: 'without an own property "clientId"' })
  t.notMatch(JSON.stringify([throws, returns, String(throws), String(returns)]), /hunter2|TypeError|thrown/)
})

t.test('warns once of quotes and spaces in what the function returns, and uses it', async (t) => {
  const endpoint = await startEndpoint(t)
  const log = recordingLogger()
  const provider = endpoint.provider(t, {
    logger: log,
    credentials: (account) => ({ clientId: ` ${account}`, clientSecret: `"${SECRET}"` })
  })
  await provider.getToken({ account: 'a' })
  await provider.getToken({ account: 'b' })
  t.strictSame(
    log.warnings().map(({ message }) => message),
    [
      'The "clientId" that the "credentials" function returned begins or ends with a space. It is used as it is: if ' +
        'that is not part of it, remove it.',
      'The "clientSecret" that the "credentials" function returned is in quotes. It is used as it is: if that is not ' +
        'part of it, remove it.'
    ]
  )
  t.strictSame(
    endpoint.requests.map(({ headers }) => headers.authorization),
    [' a', ' b'].map((id) => `Basic ${Buffer.from(`${id}:"${SECRET}"`).toString('base64')}`)
  )
})

t.test('doubts what is in quotes of one kind, or has a space at an end', async (t) => {
  for (const [value, doubt] of [
    ['"id"', /^Its value is in quotes\. It is used as it is/],
    ['""', /in quotes/],
    ["'id'", /in quotes/],
    ['`id`', /in quotes/],
    ['“id”', /in quotes/],
    ['“”', /in quotes/],
    ['„id“', /in quotes/],
    ['‘id’', /in quotes/],
    [' id', /^Its value begins or ends with a space/],
    ['id ', /begins or ends with a space/]
  ] as const) {
    const doubts = doubtsAbout(value, 'Its value')
    t.equal(doubts.length, 1, value)
    t.match(doubts[0], doubt)
  }
  for (const value of ['id', 'i"d', '"', '"id\'', '“id” of', 'of "id"', '"id" of', 'i d']) {
    t.strictSame(doubtsAbout(value, 'Its value'), [], value)
  }
})

t.test('uses credentials in quotes all the same where nobody is to be warned', async (t) => {
  const quoted = { clientId: '"id"', clientSecret: SECRET }
  t.strictSame(await returned(quoted), quoted)
})
