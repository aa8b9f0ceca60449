import t from 'tap'
import { STOOD_STILL, TIMED_OUT, TimeLimit } from '../../support/core-internals.js'
import { turns, VirtualClock } from '../../support/virtual-clock.js'

function setStage() {
  const clock = new VirtualClock()
  clock.settle = async () => {}
  const ends: unknown[] = []
  const limit = new TimeLimit(clock, 4_000, (failure) => ends.push(failure))
  return { clock, ends, limit }
}

t.test('a time limit is over when its time is up', async (t) => {
  const { clock, ends, limit } = setStage()
  t.strictSame(limit.startedAt, { wallMs: clock.now(), monotonicMs: clock.monotonic() })
  t.equal(limit.leftMs, 4_000)
  await clock.advance(3_999)
  t.equal(limit.leftMs, 1)
  t.strictSame(ends, [])
  await clock.advance(1)
  t.strictSame(ends, [TIMED_OUT])
  t.equal(limit.isLate, false)
})

t.test('it has stood still if its timer runs more than a second late', async (t) => {
  for (const [freezeMs, isLate] of [
    [5_000, false],
    [5_001, true]
  ] as const) {
    const { clock, ends, limit } = setStage()
    await clock.freeze(freezeMs)
    t.equal(limit.isLate, isLate)
    t.strictSame(ends, isLate ? [] : [TIMED_OUT], 'sockets are read before it says so')
    await turns(1)
    t.strictSame(ends, [isLate ? STOOD_STILL : TIMED_OUT])
  }
})

t.test('it says nothing once it is cleared, though its timer has run', async (t) => {
  const { clock, ends, limit } = setStage()
  await clock.freeze(6_000)
  limit.clear()
  await turns(1)
  t.strictSame(ends, [])
})

t.test('a limit that is cleared leaves no timer, and never holds the process open', async (t) => {
  const { clock, limit } = setStage()
  t.strictSame(
    [...clock.timers].map(({ held }) => held),
    [false]
  )
  limit.clear()
  t.equal(clock.timers.size, 0)
})
