import { bandwidthAuth } from '@bandwidth-token/core'
import { testProvider } from '@bandwidth-token/core/testing'
import t from 'tap'
import { answerWith, startEndpoint } from '../../support/endpoint.js'
import { versions } from './undici.js'

const OWN = 'Basic b3duOm93bg=='

/** Headers in each form that undici takes: an object, names and values in turns, or pairs. */
function forms(pairs: readonly (readonly [string, string])[]): Record<string, () => unknown> {
  return {
    'an object': () => Object.fromEntries(pairs),
    'an object without a prototype': () => Object.assign(Object.create(null), Object.fromEntries(pairs)),
    'an array': () => pairs.flat(),
    'an array of pairs': () => pairs.map((pair) => [...pair]),
    'a Map': () => new Map(pairs),
    'a Set of pairs': () => new Set(pairs),
    Headers: () => new Headers(pairs as [string, string][]),
    'an iterator that can be read once': function* () {
      yield* pairs
    }
  }
}

for (const [name, undici] of versions) {
  t.test(name, async (t) => {
    const provider = testProvider({ accessToken: 'ours' })
    const api = await startEndpoint(t, answerWith(200))
    const agent = new undici.Agent()
    t.teardown(() => agent.destroy())
    const dispatcher = agent.compose(bandwidthAuth(provider, { origins: [api.origin] }))

    /** The `Authorization` and the `X-Mark` that the server receives. */
    async function send(headers: unknown): Promise<unknown[]> {
      const options = { origin: api.origin, path: '/', method: 'GET', headers: headers as string[] } as const
      await (await dispatcher.request(options)).body.dump()
      const received = api.requests.at(-1)?.headers
      return [received?.authorization, received?.['x-mark']]
    }

    for (const [form, make] of Object.entries(forms([['X-Mark', 'kept']]))) {
      t.test(`adds a token to headers that are ${form}`, async (t) => {
        t.strictSame(await send(make()), ['Bearer ours', 'kept'])
      })
    }

    for (const spelling of ['authorization', 'Authorization', 'AUTHORIZATION', 'aUTHORIZATION']) {
      const pairs = [
        ['X-Mark', 'kept'],
        [spelling, OWN]
      ] as const
      for (const [form, make] of Object.entries(forms(pairs))) {
        t.test(`leaves the ${spelling} of headers that are ${form}`, async (t) => {
          const asked = provider.calls.length
          t.strictSame(await send(make()), [OWN, 'kept'])
          t.equal(provider.calls.length, asked, 'the provider is not asked')
        })
      }
    }

    t.test('adds a token where there are no headers', async (t) => {
      for (const none of [undefined, null, {}, [], new Map()]) {
        t.strictSame(await send(none), ['Bearer ours', undefined])
      }
    })

    t.test('adds a token where Authorization is undefined, which undici does not send', async (t) => {
      t.strictSame(await send({ Authorization: undefined }), ['Bearer ours', undefined])
      t.strictSame(await send(['Authorization', undefined]), ['Bearer ours', undefined])
    })

    t.test('leaves an empty Authorization', async (t) => {
      t.strictSame(await send({ Authorization: '' }), ['', undefined])
      t.strictSame(await send({ Authorization: null }), ['', undefined])
    })

    t.test('adds a token where Authorization is but the value of another header', async (t) => {
      const pairs = [
        ['X-Mark', 'Authorization'],
        ['X-Other', 'x']
      ] as const
      for (const make of Object.values(forms(pairs))) {
        t.strictSame(await send(make()), ['Bearer ours', 'Authorization'])
      }
    })

    t.test('keeps a header that has several values', async (t) => {
      t.strictSame(await send({ 'X-Mark': ['a', 'b'] }), ['Bearer ours', 'a, b'])
      t.strictSame(await send(['X-Mark', ['a', 'b']]), ['Bearer ours', 'a, b'])
      t.strictSame(await send(new Map([['X-Mark', ['a', 'b']]])), ['Bearer ours', 'a, b'])
    })

    t.test('counts neither inherited headers nor those of a polluted prototype', async (t) => {
      t.strictSame(await send(Object.create({ Authorization: OWN })), ['Bearer ours', undefined])
      const prototype = Object.prototype as unknown as Record<string, unknown>
      prototype['Authorization'] = OWN
      try {
        t.strictSame(await send({}), ['Bearer ours', undefined])
      } finally {
        delete prototype['Authorization']
      }
    })

    t.test('never writes to the headers and the options that it is given', async (t) => {
      const headers = Object.freeze({ 'X-Mark': 'kept' })
      const options = Object.freeze({ origin: api.origin, path: '/', method: 'GET', headers } as const)
      await (await dispatcher.request(options)).body.dump()
      t.equal(api.requests.at(-1)?.headers.authorization, 'Bearer ours')
      const list = Object.freeze(['X-Mark', 'kept'])
      t.strictSame(await send(list), ['Bearer ours', 'kept'])
    })
  })
}
