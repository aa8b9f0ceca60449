import t from 'tap'
import { statusFailure, toError, toFailure } from '../support/core-internals.js'

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
      message: 'The token could not be obtained.'
    })
  }
  t.end()
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
