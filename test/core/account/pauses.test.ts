import t from 'tap'
import { ClientGate, Pauses } from '../../support/core-internals.js'

type Failure = Parameters<InstanceType<typeof Pauses>['failed']>[0]
type Gate = InstanceType<typeof ClientGate>

const UNAVAILABLE: Failure = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'x', remedy: 'retry' }
const REFUSED: Failure = {
  code: 'ERR_BANDWIDTH_TOKEN_CREDENTIALS_REJECTED',
  message: 'x',
  remedy: 'reload'
}
/** Such as a 404: only a change of the options can help. */
const INVALID: Failure = { code: 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID', message: 'x', remedy: 'wait' }
const BACKGROUND = { isAwaited: false, admission: undefined }
const AWAITED = { isAwaited: true, admission: undefined }

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs })
const watch = { look() {} } as never
const of = (gate: Gate, account = 'ada') => new Pauses(gate, account, watch)

t.test('whose a cool-down is', async (t) => {
  for (const [what, failure, failed, isOwn] of [
    ['a background refresh that finds the endpoint down', UNAVAILABLE, BACKGROUND, true],
    ['a background refresh that finds no token', INVALID, BACKGROUND, true],
    ['a background refresh that is refused', REFUSED, BACKGROUND, false],
    [
      'a background refresh that is told when to come back',
      { ...UNAVAILABLE, retryAfterMs: 5_000 },
      BACKGROUND,
      false
    ],
    ['an acquisition that a caller waits for', UNAVAILABLE, AWAITED, false]
  ] as const) {
    t.test(`after ${what}: ${isOwn ? "the account's own" : 'that of the client'}`, async (t) => {
      const gate = new ClientGate()
      const pauses = of(gate)
      pauses.failed(failure, failed, at(0))
      t.equal(gate.coolDown.pause(at(1)) === undefined, isOwn)
      t.equal(of(gate, 'bob').current(at(1), undefined) === undefined, isOwn)
      t.ok(pauses.current(at(1), undefined))
      t.equal(pauses.isFailing, true)
    })
  }

  t.test('after a probe in the background: that of the client', async (t) => {
    const gate = new ClientGate()
    const pauses = of(gate)
    pauses.failed(UNAVAILABLE, AWAITED, at(0))
    const admission = gate.admit()
    t.ok(admission.isProbe)
    pauses.failed(UNAVAILABLE, { isAwaited: false, admission }, at(5_000))
    t.equal(gate.coolDown.consecutiveFailures, 2)
    t.ok(gate.coolDown.pause(at(5_001)))
  })

  t.test('after what is no verdict: nobody', async (t) => {
    const gate = new ClientGate()
    const pauses = of(gate)
    pauses.failed({ ...UNAVAILABLE, isVerdict: false }, AWAITED, at(0))
    t.equal(pauses.current(at(1), undefined), undefined)
    t.equal(pauses.isFailing, false)
  })
})

t.test('the status shows the cool-down that holds back the account longer', async (t) => {
  const gate = new ClientGate()
  const pauses = of(gate)
  for (let nowMs = 0; nowMs < 5; nowMs++) pauses.failed(UNAVAILABLE, BACKGROUND, at(nowMs))
  t.equal(pauses.coolDownForStatus(at(5), undefined).consecutiveFailures, 5)
  gate.failed(REFUSED, undefined, at(5))
  t.equal(pauses.coolDownForStatus(at(6), undefined).failure, REFUSED, '60 s against 8 to 16')
  t.equal(pauses.coolDownForStatus(at(6), 1_000).failure, UNAVAILABLE, 'a refusal ends with the token')
  t.equal(pauses.coolDownForStatus(at(120_000), undefined).failure, REFUSED, 'both are over')
  gate.coolDown.end()
  t.equal(pauses.coolDownForStatus(at(120_000), undefined).failure, UNAVAILABLE, 'only one has failed')
})

t.test('the status shows the one that lasts, to its end', async (t) => {
  const gate = new ClientGate()
  const pauses = of(gate)
  gate.failed(UNAVAILABLE, undefined, at(0))
  pauses.failed(INVALID, BACKGROUND, at(10_000))
  for (const nowMs of [10_000, 69_999.5]) {
    t.equal(pauses.coolDownForStatus(at(nowMs), undefined).failure, INVALID)
  }
})

t.test('a token that is no better holds back requests for 5 s, until a better one comes', async (t) => {
  const pauses = of(new ClientGate())
  t.equal(pauses.hasRecovered, false)
  pauses.succeeded(undefined, at(0), true, at(100))
  t.match(pauses.current(at(4_999.5), undefined), { leftMs: 0.5 })
  t.equal(pauses.current(at(5_000), undefined), undefined)
  t.equal(pauses.hasRecovered, false)
  pauses.succeeded(undefined, at(6_000), true, at(6_100))
  t.equal(pauses.isPointless(at(6_200)), true)
  pauses.succeeded(undefined, at(7_000), false, at(7_100))
  t.equal(pauses.isPointless(at(7_200)), false)
})

t.test('a pause lasts to its end, and the longest counts', async (t) => {
  const gate = new ClientGate()
  const pauses = of(gate)
  gate.failed(INVALID, undefined, at(0))
  t.match(pauses.current(at(59_999.5), undefined), { leftMs: 0.5 })
  t.equal(pauses.current(at(60_000), undefined), undefined)
  pauses.failed(INVALID, BACKGROUND, at(30_000))
  t.match(pauses.current(at(40_000), undefined), { leftMs: 50_000 })
})

t.test('whoever watches is shown each pause of an account, and whose it is', async (t) => {
  const seen: unknown[][] = []
  const gate = new ClientGate()
  const pauses = new Pauses(gate, 'ada', { look: (...args: unknown[]) => seen.push(args) } as never)
  pauses.publish(at(1))
  t.strictSame(
    seen.map(([, account, scope, now]) => [account, scope, now]),
    [
      ['ada', 'account', at(1)],
      ['ada', 'client', at(1)]
    ]
  )
  t.equal(seen[1]?.[0], gate.coolDown)
  pauses.succeeded(gate.admit(), at(2), true, at(2))
  seen.length = 0
  pauses.publish(at(3))
  t.strictSame(
    seen.map(([, account, scope]) => [account, scope]),
    [
      ['ada', 'account'],
      ['ada', 'client'],
      ['ada', 'account']
    ]
  )
  t.match(seen[2]?.[0], { beganAtMs: 2 }, 'that of an old token')
  pauses.succeeded(gate.admit(), at(9_000), true, at(9_000))
  pauses.publish(at(9_000))
  t.equal(seen[5]?.[0], seen[2]?.[0], 'it is known again')
})

t.test('an own pause that no attempt can end is over when the token lapses', async (t) => {
  const pauses = of(new ClientGate())
  pauses.failed(INVALID, BACKGROUND, at(0))
  t.match(pauses.current(at(10_000), undefined), { leftMs: 50_000 })
  pauses.lapsed(() => true, at(10_000))
  t.equal(pauses.current(at(10_000), undefined), undefined)
})

t.test('an account has recovered once nothing of it or of its client fails any more', async (t) => {
  const gate = new ClientGate()
  const pauses = of(gate)
  pauses.failed(UNAVAILABLE, BACKGROUND, at(0))
  gate.failed(UNAVAILABLE, undefined, at(0))
  const before = { coolDowns: 0, isProbe: false, leave() {} }
  pauses.succeeded(before, at(0), false, at(1))
  t.equal(pauses.hasRecovered, false, 'the client still fails')
  pauses.succeeded(gate.admit(), at(5_000), false, at(5_001))
  t.equal(pauses.hasRecovered, true)
  pauses.succeeded(gate.admit(), at(6_000), false, at(6_001))
  t.equal(pauses.hasRecovered, false, 'it has not failed since')
})
