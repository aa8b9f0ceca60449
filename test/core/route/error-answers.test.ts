import { BandwidthTokenError } from '@bandwidth-token/core'
import { errorAnswer, errorHeaders } from '@bandwidth-token/core/adapter'
import t from 'tap'
import { toThrowable } from '../../support/core-internals.js'

const CODE = 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE'
const UNCACHEABLE = { 'Cache-Control': 'no-store', Pragma: 'no-cache', 'X-Content-Type-Options': 'nosniff' }

/** An error that cannot be read. */
const hostile = () =>
  new Proxy(new Error('x'), {
    get() {
      throw new Error('unreadable')
    }
  })
/** The error of another copy of this package. */
const like = (fields: object) => Object.assign(new Error('Try again.'), { code: CODE, ...fields })

t.test('the answer to an error of this package', async (t) => {
  t.test('has its status, its headers, and what is safe to show', async (t) => {
    const answer = errorAnswer(
      new BandwidthTokenError(CODE, 'Try again.', { retryAfter: 7, upstreamStatus: 500 })
    )
    t.strictSame(answer, {
      status: 503,
      headers: { ...UNCACHEABLE, 'Retry-After': '7', 'Content-Type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ code: CODE, message: 'Try again.', statusCode: 503 })
    })
    t.ok(Object.isFrozen(answer?.headers))
  })

  t.test('has the status of an error, or 500', async (t) => {
    for (const [statusCode, status] of [
      [400, 400],
      [599, 599],
      [399, 500],
      [600, 500],
      [400.5, 500],
      ['404', 500],
      [undefined, 500]
    ]) {
      t.equal(errorAnswer(like({ statusCode }))?.status, status, String(statusCode))
    }
  })

  t.test('has no message where there is no text', async (t) => {
    t.match(errorAnswer({ code: CODE, statusCode: 503 }), {
      body: `{"code":"${CODE}","message":"","statusCode":503}`
    })
  })

  t.test('is for no other error', async (t) => {
    for (const error of [
      ...[undefined, null, 'text', 5, () => {}, {}, new Error('x'), hostile()],
      ...[
        { code: 5 },
        { code: 'ERR_OTHER' },
        { code: [CODE] },
        { code: `X${CODE}` },
        Object.create({ code: CODE }),
        Object.assign(() => {}, { code: CODE }),
        { code: { startsWith: () => true } }
      ]
    ]) {
      t.equal(errorAnswer(error), undefined)
      t.strictSame(errorHeaders(error), UNCACHEABLE, 'which is not cached either')
    }
  })
})

t.test('Retry-After is whole seconds from 0, or left out', async (t) => {
  for (const retryAfter of [0, 1, 300]) {
    t.strictSame(errorHeaders(like({ retryAfter })), { ...UNCACHEABLE, 'Retry-After': String(retryAfter) })
  }
  for (const retryAfter of [-1, 1.5, '1', Number.NaN, 2 ** 53, undefined, null]) {
    t.strictSame(errorHeaders(like({ retryAfter })), UNCACHEABLE, String(retryAfter))
  }
})

t.test('what frameworks can handle is thrown as it is', async (t) => {
  for (const thrown of [
    new Error('x'),
    new BandwidthTokenError(CODE, 'x', { retryAfter: 7 }),
    { status: 404 },
    Object.assign(new Error('x'), { headers: { 'X-Own': 'yes', 'X-Number': 5 } }),
    Object.assign(new Error('x'), { headers: undefined }),
    Object.assign(new Error('x'), { headers: 'none' }),
    Object.assign(new Error('x'), { stack: undefined })
  ]) {
    t.equal(toThrowable(thrown), thrown)
  }
})

t.test('what is no object is an error', async (t) => {
  for (const thrown of [undefined, null, 'route', 0, () => {}]) {
    t.match(toThrowable(thrown), {
      message: '`authorize` or `account` threw a value that is not an Error.'
    })
  }
})

t.test('what frameworks cannot read is another error', async (t) => {
  // To read the stack of an Error reads its name and its message too.
  const unreadable = (name: string) =>
    Object.defineProperty({ stack: 'stack' }, name, {
      get() {
        throw new Error('unreadable')
      }
    })
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  for (const thrown of [
    ...['name', 'message', 'stack', 'code', 'status', 'statusCode', 'headers'].map(unreadable),
    hostile(),
    revoked.proxy,
    new Proxy(new Error('x'), {
      getPrototypeOf() {
        throw new Error('unreadable')
      }
    }),
    Object.assign(new Error('x'), { stack: Object.create(null) }),
    Object.assign(Object.create(null), { status: 404 }),
    Object.assign(new Error('x'), { headers: { 'bad name': 'x' } }),
    Object.assign(new Error('x'), { headers: { 'X-Own': 'a\nb' } }),
    Object.assign(new Error('x'), { headers: { 'X-Own': undefined } })
  ]) {
    const error = toThrowable(thrown)
    t.not(error, thrown)
    t.match(error, {
      message: '`authorize` or `account` threw an Error that cannot be read, or that has invalid headers.'
    })
  }
})
