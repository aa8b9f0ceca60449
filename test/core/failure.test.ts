import t from 'tap'
import {
  CLOSED,
  POINTLESS,
  STOOD_STILL,
  statusFailure,
  TIMED_OUT,
  toError,
  toFailure,
  WAITED_IN_VAIN
} from '../support/core-internals.js'

t.test('a status other than 200', async (t) => {
  for (const [code, remedy, statuses] of [
    ['ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED', 'reload', [400, 401, 403]],
    ['ERR_BANDWIDTH_TOKEN_UNAVAILABLE', 'retry', [408, 429, 500, 501, 502, 503, 504, 599]],
    ['ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', 'wait', [201, 204, 301, 402, 404, 407, 409, 428, 430, 499]]
  ] as const) {
    for (const upstreamStatus of statuses) {
      t.match(statusFailure(upstreamStatus, 5_000, 'invalid_client'), {
        code,
        remedy,
        upstreamStatus,
        retryAfterMs: 5_000,
        oauthError: 'invalid_client'
      })
    }
  }
})

t.test('takes for a failure what is one, and nothing else', (t) => {
  const failure = { code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT', message: 'why', remedy: 'retry' } as const
  t.equal(toFailure(failure), failure)
  for (const thrown of [new Error('why'), {}, null, undefined, 'why']) {
    t.match(toFailure(thrown), {
      code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
      message: 'The token could not be obtained.',
      remedy: 'retry'
    })
  }
  t.end()
})

t.test('has the cause of a failure as an error of its own', async (t) => {
  const failure = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' } as const
  const { cause } = toError({
    ...failure,
    cause: { name: 'SocketError', code: 'ECONNRESET', syscall: undefined }
  })
  t.ok(cause instanceof Error)
  t.match(cause, { name: 'SocketError', code: 'ECONNRESET', message: 'ECONNRESET' })
  t.notOk('syscall' in (cause as Error))
  t.notOk('cause' in toError(failure))
})

t.test('rounds what remains up to whole seconds', async (t) => {
  const failure = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' } as const
  for (const [leftMs, seconds] of [
    [0, 1],
    [1, 1],
    [999, 1],
    [1_000, 1],
    [1_001, 2],
    [299_999.5, 300]
  ] as const) {
    const error = toError(failure, leftMs)
    t.equal(error.retryAfter, seconds)
    t.equal(error.headers['Retry-After'], String(seconds))
  }
  t.equal(toError(failure).retryAfter, 1, 'a 503 says it even where nothing is to be waited for')
  t.notOk(
    'retryAfter' in toError({ ...failure, code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT' }),
    'where it is not known'
  )
})

t.test('what the provider itself knows says what happened', async (t) => {
  const noTime = {
    code: 'ERR_BANDWIDTH_TOKEN_TIMEOUT',
    message: 'No token was obtained in time.',
    remedy: 'retry'
  }
  t.strictSame(
    [TIMED_OUT, STOOD_STILL, WAITED_IN_VAIN],
    [noTime, { ...noTime, isVerdict: false }, { ...noTime, isVerdict: false }],
    'the last two are no verdict on the endpoint'
  )
  t.strictSame(CLOSED, {
    code: 'ERR_BANDWIDTH_TOKEN_CLOSED',
    message: 'The token provider is closed.',
    remedy: 'wait'
  })
  t.strictSame(POINTLESS, {
    code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE',
    message: 'The token endpoint sent a token that is about to expire.',
    remedy: 'retry'
  })
})
