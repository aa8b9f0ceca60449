import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import t from 'tap'
import { ErrorHandlers } from '../support/leak-hunt/error-handlers.js'
import { createSecrets, huntFor, type Leak } from '../support/leak-hunt/index.js'

const secrets = createSecrets()
const { clientId, clientSecret, basic, accessToken } = secrets
const hunt = huntFor(secrets)

const base64 = (text: string) => Buffer.from(text).toString('base64')
const base64url = (text: string) => Buffer.from(text).toString('base64url')
const hex = (text: string) => Buffer.from(text).toString('hex')
const escapeAll = (text: string) => hex(text).replace(/../g, '%$&')

t.test('the hunter counts in a text', async (t) => {
  const texts: readonly (readonly [name: string, text: string, secret: string, form: string])[] = [
    ['the client secret', clientSecret, 'client secret', 'plain'],
    ['the Basic value', basic, 'Basic value', 'plain'],
    ['the access token', accessToken, 'access token', 'plain'],
    ['the client secret in base64', base64(clientSecret), 'client secret', 'base64'],
    ['the access token in base64', base64(accessToken), 'access token', 'base64'],
    ['the Basic value in base64', base64(basic), 'Basic value', 'base64'],
    ['the client secret in base64url', base64url(clientSecret), 'client secret', 'base64'],
    ['the client secret percent-encoded', encodeURIComponent(clientSecret), 'client secret', 'plain'],
    ['the client secret escaped wholly', escapeAll(clientSecret), 'client secret', 'percent-encoded'],
    ['the access token in hex', hex(accessToken), 'access token', 'hex'],
    ['the access token in capital hex', hex(accessToken).toUpperCase(), 'access token', 'hex'],
    ['the bytes of the access token', inspect(Buffer.from(accessToken)), 'access token', 'hex']
  ]
  for (const [name, text, secret] of texts) {
    t.test(name, async (t) => {
      t.match(hunt.inText(text), [{ secret }])
      t.ok(hunt.inText(`${text} and once more ${text}`).length >= 2, 'twice')
    })
  }

  t.test('each form under its name', async (t) => {
    // Only what the plain form does not have is sure to be told from it.
    const symbols = createSecrets()
    const strange = huntFor({ ...symbols, clientSecret: 'ä+/@ö$ü%ß&ä+/@ö$ü%ß&' })
    const value = 'ä+/@ö$ü%ß&ä+/@ö$ü%ß&'
    for (const [form, text] of [
      ['plain', value],
      ['base64', base64(value)],
      ['percent-encoded', encodeURIComponent(value)],
      ['percent-encoded', escapeAll(value)],
      ['hex', hex(value)]
    ] as const) {
      t.match(strange.inText(`(${text})`), [{ secret: 'client secret', form, isWhole: true }], form)
    }
    t.match(strange.inText(base64url(value)), [{ secret: 'client secret' }], 'base64url')
  })

  t.test('any twelve characters in a row, and no eleven', async (t) => {
    for (const text of [clientSecret, accessToken, basic]) {
      for (let at = 0; at + 12 <= text.length; at++) {
        const part = text.slice(at, at + 12)
        for (const around of ['', ' ', '*'.repeat(at % 9)]) {
          t.match(hunt.inText(around + part + around), [{ isWhole: false }], `from ${at}`)
        }
        t.equal(hunt.inText(` ${part.slice(1)} `).length, 0, `eleven from ${at + 1}`)
      }
    }
  })

  t.test('base64 of whatever holds a secret, wherever in it', async (t) => {
    for (let before = 0; before < 7; before++) {
      const text = `${'x'.repeat(before)}${accessToken}${'y'.repeat(before * 2)}`
      t.match(hunt.inText(base64(text)), [{ secret: 'access token' }])
      t.match(hunt.inText(base64url(text)), [{ secret: 'access token' }])
    }
  })

  t.test('nothing where there is none', async (t) => {
    for (let number = 0; number < 1_000; number++) {
      const noise = createHash('sha256').update(`${number} ${clientSecret}`).digest()
      t.strictSame(hunt.inText(`${clientId} ${noise.toString('base64')} ${noise.toString('hex')}`), [])
    }
  })

  t.test('nothing that is too short to be told from chance', async (t) => {
    t.throws(() => huntFor({ ...secrets, clientSecret: 'elevenchars' }), { message: /too short/ })
  })
})

/** Values that leak, each where only few ways of looking find it. */
class InGetter {
  get token() {
    return accessToken
  }
}
class InInspection {
  [inspect.custom]() {
    return accessToken
  }
}
class InErrorGetter extends Error {
  get more() {
    return basic
  }
}
const hidden = (value: unknown) => Object.defineProperty({}, 'hidden', { value, enumerable: false })
const loop: Record<string, unknown> = { deep: [{ deep: [{ deep: { deep: clientSecret } }] }] }
loop['self'] = loop

const LEAKS: Readonly<Record<string, readonly [value: unknown, ...ways: readonly string[]]>> = {
  'a property': [{ clientSecret }, 'util.inspect', 'JSON.stringify', 'pino', 'the console', 'its properties'],
  'a property far down': [loop, 'util.inspect of all', 'util.inspect of all that holds it', 'its properties'],
  'a hidden property': [hidden(clientSecret), 'util.inspect of all', 'its properties'],
  'a hidden property of a hidden property': [hidden(hidden(clientSecret)), 'its properties'],
  'a symbol': [{ [Symbol('basic')]: basic }, 'util.inspect', 'its properties'],
  'the name of a symbol': [{ [Symbol(basic)]: 1 }, 'util.inspect', 'its properties'],
  'the name of a property': [{ [accessToken]: 1 }, 'JSON.stringify', 'its properties'],
  'an own getter': [Object.defineProperty({}, 'a', { get: () => basic }), 'its properties'],
  'an inherited getter': [new InGetter(), 'its properties'],
  'an inherited property': [Object.create({ basic }), 'its properties'],
  'a getter that throws it': [
    Object.defineProperty({}, 'a', {
      get() {
        throw new Error(clientSecret)
      }
    }),
    'its properties'
  ],
  'a custom inspection': [new InInspection(), 'util.inspect', 'the console'],
  toJSON: [{ toJSON: () => basic }, 'JSON.stringify', 'pino'],
  'toJSON that throws it': [
    {
      toJSON() {
        throw new Error(basic)
      }
    },
    'JSON.stringify'
  ],
  'its text': [{ toString: () => clientSecret }, 'String'],
  'what it is as a primitive': [{ [Symbol.toPrimitive]: () => clientSecret }, 'String'],
  'the keys of a map': [new Map([[accessToken, 1]]), 'util.inspect', 'structuredClone', 'its properties'],
  'the values of a map': [new Map([[1, { accessToken }]]), 'util.inspect', 'its properties'],
  'a set': [new Set([accessToken]), 'util.inspect', 'structuredClone', 'its properties'],
  'a typed array': [new Uint8Array(Buffer.from(accessToken)), 'its properties'],
  'an array buffer': [new Uint8Array(Buffer.from(accessToken)).buffer, 'its properties'],
  'a promise': [Promise.resolve({ accessToken }), 'util.inspect'],
  'the source of a function': [new Function(`return '${clientSecret}'`), 'String', 'its properties'],
  'the property of a function': [Object.assign(() => {}, { clientSecret }), 'util.inspect', 'its properties'],
  'a proxy': [new Proxy({ basic }, {}), 'util.inspect', 'its properties'],
  'the target that a proxy hides': [new Proxy({ basic }, { ownKeys: () => [] }), 'util.inspect of all'],
  'the message of an error': [
    new Error(clientSecret),
    'util.inspect',
    'String',
    'structuredClone',
    'the console',
    'pino',
    'process.report',
    'its properties'
  ],
  'the cause of an error': [
    new Error('x', { cause: new Error(basic) }),
    'util.inspect',
    'pino',
    'its properties'
  ],
  'the stack of an error': [
    Object.assign(new Error('x'), { stack: `Error: x\n    at ${accessToken}` }),
    'util.inspect',
    'pino',
    'its properties'
  ],
  'a property of an error': [
    Object.assign(new Error('x'), { options: { headers: { basic } } }),
    'util.inspect',
    'pino',
    'its properties'
  ],
  'a text property of an error': [Object.assign(new Error('x'), { basic }), 'process.report'],
  'the errors of an aggregate': [new AggregateError([new Error(basic)]), 'util.inspect', 'its properties'],
  'a getter of an error': [new InErrorGetter('x'), 'its properties'],
  'a bare string': [clientSecret, 'util.inspect', 'String', 'JSON.stringify', 'its properties']
}

for (const [name, [value, ...ways]] of Object.entries(LEAKS)) {
  t.test(`the hunter finds a leak in ${name}`, async (t) => {
    const found = new Set(hunt.in(value).map(({ way }) => way))
    for (const way of ways) t.ok(found.has(way), way)
  })
}

t.test('the hunter finds what is bound to an object by a wrapper alone', async (t) => {
  const secretive = { toJSON: () => ({}), [inspect.custom]: () => 'nothing' }
  t.strictSame(hunt.in(secretive), [])
  t.not(hunt.in(Object.assign(secretive, { accessToken })).length, 0)
})

t.test('the hunter does not ask a token for itself, and knows whoever only looks like one', async (t) => {
  const token = {
    get accessToken() {
      return accessToken
    },
    toResponse: () => ({ access_token: accessToken }),
    toJSON: () => ({}),
    [inspect.custom]: () => 'AccessToken'
  }
  const waysTo = (value: unknown) => new Set(hunt.in(value).map(({ way }: Leak) => way))
  t.notOk(waysTo(token).has('its properties'))
  t.ok(waysTo({ ...token, raw: accessToken }).has('its properties'))
})

t.test('the hunter sees what the error handlers of the frameworks show and log', async (t) => {
  const handlers = await ErrorHandlers.start(t)
  const leaking = async (error: unknown) => {
    const shown = await handlers.show(error)
    return shown.filter(([way, text]) => hunt.inText(text, way).length > 0).map(([way]) => way)
  }
  const inDevelopment = ['Fastify in development', 'Express 4 in development', 'Express 5 in development']
  const inProduction = ['Fastify in production', 'Express 4 in production', 'Express 5 in production']
  t.strictSame(
    await leaking(new Error(clientSecret)),
    [...inDevelopment, 'Fastify in production', 'their logs'],
    'a message'
  )
  t.strictSame(await leaking(Object.assign(new Error('x'), { basic })), ['their logs'], 'a property')
  t.strictSame(
    await leaking(Object.assign(new Error('x'), { statusCode: 503, headers: { 'x-token': accessToken } })),
    [...inDevelopment, ...inProduction, 'their logs'],
    'headers'
  )
  t.strictSame(await leaking(new Error('x')), [], 'nothing')
  t.match(await handlers.show(new Error('told')), [
    ...Array(6).fill([String, /^500 /]),
    ['their logs', /told/]
  ])
})
