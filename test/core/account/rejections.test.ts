import t, { type Test } from 'tap'
import { Rejections } from '../../support/core-internals.js'
import { onMessage } from '../../support/observed.js'

type Cached = Parameters<InstanceType<typeof Rejections>['reject']>[0]
type Acquired = Parameters<InstanceType<typeof Rejections>['isRejected']>[0]

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs })
const REFUSED = {
  code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  message: 'why',
  remedy: 'reload'
} as const
const PAUSE = { failure: REFUSED, leftMs: 1_000 }

function setStage(t: Test) {
  const withdrawn: string[] = []
  const warned: string[] = []
  let contexts = 0
  const rejections = new Rejections(
    {
      clock: { monotonic: () => 0 } as never,
      endpoint: {} as never,
      inOwnContext: (work) => {
        contexts++
        return work()
      },
      accountLog: { rejectedYoung: (account: string) => warned.push(account) } as never
    },
    'ada'
  )
  const cached = (accessToken: string, issuedAtMs = 0) =>
    ({
      token: { accessToken, accessTokenId: 'an-id' },
      issuedAt: at(issuedAtMs),
      withdraw: () => withdrawn.push(`${accessToken} ${contexts}`),
      wasRejectedYoung: false
    }) as unknown as Cached
  const acquisition = (startedAtMs: number, isReplacement = false) => ({
    account: 'ada',
    startedAtMs,
    attempts: 0,
    isAwaited: true,
    isReplacement,
    result: new Promise<never>(() => {})
  })
  const messages: object[] = []
  onMessage(t, (message) => messages.push(message))
  return { rejections, withdrawn, warned, cached, acquisition, messages }
}

t.test('replaces a token from its fifth second on, and again 30 s after that began', async (t) => {
  const { rejections, cached, acquisition } = setStage(t)
  const replaced = (nowMs: number, token = cached('a')) => {
    const started = acquisition(nowMs)
    return rejections.replace(token, at(nowMs), undefined, () => started) === started
  }
  t.equal(replaced(4_999), false)
  t.equal(rejections.lastReplacementMs, Number.NEGATIVE_INFINITY)
  t.equal(replaced(5_000), true)
  t.equal(rejections.lastReplacementMs, 5_000)
  t.equal(rejections.isRejected({ accessToken: 'a' } as Acquired), true)
  t.equal(replaced(34_999, cached('b', 6_000)), false)
  t.equal(replaced(35_000, cached('b', 6_000)), true)
})

t.test('counts a replacement from its start, and those of other members', async (t) => {
  const { rejections, cached, acquisition } = setStage(t)
  const inFlight = acquisition(8_000)
  t.equal(
    rejections.replace(cached('a'), at(10_000), inFlight, () => inFlight),
    inFlight
  )
  t.equal(inFlight.isReplacement, true)
  t.equal(rejections.lastReplacementMs, 8_000)
  rejections.learn(7_000)
  t.equal(rejections.lastReplacementMs, 8_000)
  rejections.learn(9_000)
  t.equal(rejections.lastReplacementMs, 9_000)
})

t.test('joins the replacement that is in flight, however young the token', async (t) => {
  const { rejections, cached, acquisition, warned } = setStage(t)
  const inFlight = acquisition(0, true)
  t.equal(
    rejections.replace(cached('a'), at(1), inFlight, () => {
      throw new Error('a request')
    }),
    inFlight
  )
  t.strictSame(warned, [])
})

t.test('warns once of each token that is rejected young', async (t) => {
  const { rejections, cached, warned } = setStage(t)
  const [one, other] = [cached('a'), cached('b')]
  for (const token of [one, one, other]) rejections.replace(token, at(1), undefined, undefined)
  t.strictSame(warned, ['ada', 'ada'])
})

t.test('keeps the token while a pause lasts, or while a new one would be no better', async (t) => {
  const { rejections, cached, messages } = setStage(t)
  const token = cached('a')
  t.equal(
    rejections.replace(token, at(10_000), undefined, () => PAUSE as never),
    PAUSE
  )
  t.equal(rejections.replace(token, at(10_000), undefined, undefined), undefined)
  t.equal(rejections.lastReplacementMs, Number.NEGATIVE_INFINITY)
  t.equal(rejections.isRejected({ accessToken: 'a' } as Acquired), false, 'it may still come from the store')
  t.match(messages, [
    { account: 'ada', accessTokenId: 'an-id', outcome: 'kept', code: REFUSED.code },
    { account: 'ada', outcome: 'kept' }
  ])
})

t.test('drops a token that is invalidated, and deletes it from the store in the own context', async (t) => {
  const { rejections, cached, withdrawn } = setStage(t)
  const token = cached('a')
  t.equal(rejections.reject(token, at(4_999)), false)
  t.strictSame(withdrawn, [])
  t.equal(rejections.isRejected({ accessToken: 'a' } as Acquired), false)
  t.equal(rejections.reject(token, at(5_000)), true)
  t.strictSame(withdrawn, ['a 1'])
  t.equal(rejections.isRejected({ accessToken: 'a' } as Acquired), true)
  t.equal(rejections.reject({ ...token, withdraw: undefined }, at(5_000)), true, 'without a store')
})

t.test('does not take the rejected token back, unless it was sent again to replace itself', async (t) => {
  const { rejections, cached } = setStage(t)
  t.equal(rejections.isRejected({ accessToken: 'a' } as Acquired), false)
  rejections.reject(cached('a', 1_000), at(20_000))
  const isRejected = (accessToken: string, replacedAtMs?: number) =>
    rejections.isRejected({ accessToken, replacedAtMs } as Acquired)
  t.equal(isRejected('a'), true)
  t.equal(isRejected('a', 3_499), true, 'a replacement of the token before it')
  t.equal(isRejected('a', 3_500), false)
  t.equal(isRejected('a', 6_000), false)
  t.equal(isRejected('b'), false)
})
