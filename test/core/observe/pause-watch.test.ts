import t, { type Test } from 'tap'
import { PauseWatch } from '../../support/core-internals.js'
import { onMessage } from '../../support/observed.js'
import { VirtualClock } from '../../support/virtual-clock.js'

const FAILURE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'why', remedy: 'retry' } as const
const BEGAN = { account: 'acme', scope: 'account', code: FAILURE.code, outcome: 'began' }
const ENDED = { ...BEGAN, outcome: 'ended' }

/** A watch, and a pause that begins and ends as it is told. */
function setStage(t: Test, { isHeard = true } = {}) {
  const clock = new VirtualClock()
  clock.settle = async () => {}
  let contexts = 0
  const watch = new PauseWatch(clock, (work) => {
    contexts++
    return work()
  })
  const messages: unknown[] = []
  if (isHeard) onMessage(t, (message) => messages.push(message))
  let untilMs = 0
  const pausing = {
    beganAtMs: 0,
    pause: (now: { monotonicMs: number }) =>
      untilMs > now.monotonicMs ? { failure: FAILURE, leftMs: untilMs - now.monotonicMs } : undefined
  }
  const look = () =>
    watch.look(pausing, 'acme', 'account', { wallMs: clock.now(), monotonicMs: clock.monotonic() })
  return {
    clock,
    watch,
    messages,
    look,
    /** Begins a pause of this length now. */
    begin(ms: number) {
      pausing.beganAtMs = clock.monotonic()
      untilMs = pausing.beganAtMs + ms
      look()
    },
    /** The pause that has begun has this left. */
    change(ms: number) {
      untilMs = clock.monotonic() + ms
      look()
    },
    contexts: () => contexts
  }
}

t.test('a pause is told when it begins and when it is over', async (t) => {
  const { clock, messages, begin, look, contexts } = setStage(t)
  begin(1_000)
  t.strictSame(messages, [{ ...BEGAN, durationMs: 1_000 }])
  look()
  look()
  t.equal(messages.length, 1, 'once')
  t.equal(clock.timers.size, 1)
  await clock.advance(999)
  t.equal(messages.length, 1)
  await clock.advance(1)
  t.strictSame(messages[1], { ...ENDED, durationMs: 1_000 })
  t.equal(clock.timers.size, 0)
  t.ok(contexts() > 0, 'in the context of the provider')
})

t.test('a pause that is made longer ends later, and one that is made shorter at once', async (t) => {
  const { clock, messages, begin, change } = setStage(t)
  begin(1_000)
  await clock.advance(500)
  change(2_000)
  await clock.advance(1_999)
  t.equal(messages.length, 1)
  change(0)
  t.strictSame(messages[1], { ...ENDED, durationMs: 2_499 })
  t.equal(clock.timers.size, 0)
})

t.test('a pause that follows another one ends it', async (t) => {
  const { clock, messages, begin } = setStage(t)
  begin(1_000)
  await clock.advance(400)
  begin(5_000)
  t.strictSame(messages.slice(1), [
    { ...ENDED, durationMs: 400 },
    { ...BEGAN, durationMs: 5_000 }
  ])
  t.equal(clock.timers.size, 1)
  await clock.advance(5_000)
  t.strictSame(messages[3], { ...ENDED, durationMs: 5_000 })
  t.equal(messages.length, 4)
})

t.test('no pause is nothing to tell', async (t) => {
  const { messages, look, clock } = setStage(t)
  look()
  t.strictSame(messages, [])
  t.equal(clock.timers.size, 0)
})

t.test('a pause that nobody hears of costs neither a look nor a timer', async (t) => {
  const { clock, begin, contexts } = setStage(t, { isHeard: false })
  begin(1_000)
  t.equal(clock.timers.size, 0)
  t.equal(contexts(), 0)
})

t.test(
  'a pause whose beginning was heard is told to its end, even if nobody listens meanwhile',
  async (t) => {
    const { clock, begin, look, contexts } = setStage(t, { isHeard: false })
    await t.test('somebody listens at first', async (t) => {
      onMessage(t, () => {})
      begin(1_000)
    })
    t.equal(clock.timers.size, 1)
    const before = contexts()
    look()
    t.equal(contexts(), before + 1)
    await clock.advance(1_000)
    t.equal(clock.timers.size, 0)
  }
)

t.test('a watch that is closed tells nothing, and has no timer', async (t) => {
  const { clock, watch, messages, begin, look } = setStage(t)
  begin(1_000)
  watch.close()
  t.equal(clock.timers.size, 0)
  begin(5_000)
  look()
  t.equal(messages.length, 1)
  t.equal(clock.timers.size, 0)
})

t.test('a subscriber that closes the watch at the end of a pause hears of no other', async (t) => {
  const { clock, watch, messages, begin } = setStage(t)
  begin(1_000)
  await clock.advance(500)
  onMessage(t, () => watch.close())
  begin(1_000)
  t.strictSame(
    messages.map((message) => (message as { outcome: string }).outcome),
    ['began', 'ended']
  )
  t.equal(clock.timers.size, 0)
})

t.test('a subscriber that closes the watch at the beginning of a pause leaves no timer', async (t) => {
  const { clock, watch, begin } = setStage(t)
  onMessage(t, () => watch.close())
  begin(1_000)
  t.equal(clock.timers.size, 0)
})
