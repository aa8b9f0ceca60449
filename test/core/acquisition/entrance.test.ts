import t from 'tap'
import {
  CLOSED,
  ClientGate,
  Deadline,
  Entrance,
  Places,
  STOOD_STILL,
  WAITED_IN_VAIN
} from '../../support/core-internals.js'
import { turns, VirtualClock } from '../../support/virtual-clock.js'

const UNAVAILABLE = { code: 'ERR_BANDWIDTH_TOKEN_UNAVAILABLE', message: 'x', remedy: 'retry' } as const

function setStage() {
  const clock = new VirtualClock()
  clock.settle = () => turns(3)
  const gate = new ClientGate()
  const places = new Places()
  const entrance = () => new Entrance(clock, gate, places)
  const deadline = () => new Deadline(clock, 10_000)
  const now = () => ({ wallMs: clock.now(), monotonicMs: clock.monotonic() })
  /** Takes all places but `left`. */
  const fill = async (left = 0) => {
    const always = new AbortController().signal
    for (let place = left; place < 64; place++) await places.take(always)
  }
  /** How many places are free. */
  const free = async () => {
    const signal = new AbortController()
    const taken = []
    for (let place = 0; place < 65; place++) {
      const taking = places.take(signal.signal)
      if (place === 64) signal.abort()
      taken.push(taking)
    }
    await turns(1)
    signal.abort()
    const got = (await Promise.all(taken)).filter(Boolean).length
    for (let place = 0; place < got; place++) places.release()
    return got
  }
  return { clock, gate, places, entrance, deadline, now, fill, free }
}

/** Whether it is in, what it was refused with, or that it still waits. */
async function stateOf(entering: Promise<object | undefined>) {
  let state: string | object = 'waiting'
  void entering.then((failure) => {
    state = failure ?? 'in'
  })
  await turns(3)
  return state
}

t.test('lets a request in at once, to a place that it keeps until it leaves', async (t) => {
  const { entrance, deadline, free } = setStage()
  const one = entrance()
  const until = deadline()
  t.equal(await stateOf(one.enter(until)), 'in')
  t.match(one.admission, { isProbe: false, coolDowns: 0 })
  t.equal(await free(), 63)
  const { admission } = one
  t.equal(await stateOf(one.enter(until)), 'in')
  await one.wait(until)
  t.equal(one.admission, admission, 'it is still admitted')
  t.equal(await free(), 63)
  one.leave()
  one.leavePlace()
  t.equal(await free(), 64)
})

t.test('refuses it during a cool-down, which is no verdict of its own', async (t) => {
  const { gate, entrance, deadline, now } = setStage()
  gate.coolDown.add(UNAVAILABLE, now())
  t.strictSame(await stateOf(entrance().enter(deadline())), { ...UNAVAILABLE, isVerdict: false })
})

t.test('waits until the time that Retry-After asked for, if there is more time than that', async (t) => {
  const { clock, gate, entrance, deadline, now, free } = setStage()
  gate.hold(UNAVAILABLE, 9_999, now())
  const entering = entrance().enter(deadline())
  await clock.advance(9_998)
  t.equal(await stateOf(entering), 'waiting')
  t.equal(await free(), 64)
  await clock.advance(1)
  t.equal(await stateOf(entering), 'in')
  gate.hold({ ...UNAVAILABLE, retryAfterMs: 20_000 }, 20_000, now())
  await clock.advance(5_000)
  t.strictSame(await stateOf(entrance().enter(deadline())), {
    ...UNAVAILABLE,
    retryAfterMs: 15_000,
    isVerdict: false
  })
})

t.test('waits for the probe, and is refused if that fails', async (t) => {
  const { clock, gate, entrance, deadline, now } = setStage()
  gate.coolDown.add(UNAVAILABLE, now())
  await clock.advance(1_000)
  const probe = entrance()
  t.equal(await stateOf(probe.enter(deadline())), 'in')
  t.match(probe.admission, { isProbe: true })
  const entering = entrance().enter(deadline())
  t.equal(await stateOf(entering), 'waiting')
  gate.failed(UNAVAILABLE, probe.admission, now())
  probe.leave()
  t.strictSame(await stateOf(entering), { ...UNAVAILABLE, isVerdict: false })
})

t.test('is admitted again if a cool-down has begun since, and may be the probe then', async (t) => {
  const { clock, gate, entrance, deadline, now } = setStage()
  const [one, other] = [entrance(), entrance()]
  await one.enter(deadline())
  await other.enter(deadline())
  gate.failed(UNAVAILABLE, other.admission, now())
  other.leave()
  await clock.advance(1_000)
  t.equal(await stateOf(one.enter(deadline())), 'in')
  t.match(one.admission, { isProbe: true, coolDowns: 1 })

  gate.failed(UNAVAILABLE, one.admission, now())
  await clock.advance(2_000)
  t.equal(await stateOf(one.enter(deadline())), 'in')
  const waiting = entrance().enter(deadline())
  gate.succeeded(one.admission, now(), now())
  one.leave()
  t.equal(await stateOf(waiting), 'in')
})

t.test('wakes who waits for it as the probe before it is admitted again', async (t) => {
  const { clock, gate, entrance, deadline, now } = setStage()
  const old = gate.admit()
  gate.failed(UNAVAILABLE, gate.admit(), now())
  await clock.advance(1_000)
  const probe = entrance()
  await probe.enter(deadline())
  const waiting = entrance().enter(deadline())
  t.equal(await stateOf(waiting), 'waiting')
  gate.failed({ ...UNAVAILABLE, retryAfterMs: 2_000 }, old, now())
  await clock.advance(2_000)
  t.equal(await stateOf(probe.enter(deadline())), 'in')
  gate.succeeded(probe.admission, now(), now())
  probe.leave()
  t.equal(await stateOf(waiting), 'in')
})

t.test('has waited in vain if its time runs out in line', async (t) => {
  const { clock, entrance, deadline, fill, free, places } = setStage()
  await fill()
  const one = entrance()
  const until = deadline()
  const entering = one.enter(until)
  await clock.advance(9_999)
  t.equal(await stateOf(entering), 'waiting')
  t.equal(one.waitedInVain(until), false)
  await clock.advance(1)
  t.equal(await stateOf(entering), WAITED_IN_VAIN)
  t.equal(one.waitedInVain(until), true)
  t.equal(await free(), 0, 'it had no place to give back')
  t.equal(one.waitedInVain(deadline()), false)
  places.release()
  const later = deadline()
  t.equal(await stateOf(one.enter(later)), 'in')
  await clock.advance(10_000)
  t.equal(one.waitedInVain(later), false, 'it has a place')
})

for (const [what, failure] of [
  ['is closed', CLOSED],
  ['stood still', STOOD_STILL]
] as const) {
  t.test(`ends with the reason if its process ${what} while it waits`, async (t) => {
    const { entrance, deadline, fill } = setStage()
    await fill()
    const one = entrance()
    const until = deadline()
    const entering = one.enter(until)
    until.end(failure)
    t.equal(await stateOf(entering), failure)
    t.equal(one.waitedInVain(until), false)
  })
}

t.test('knows whether a request would have to wait', async (t) => {
  const { clock, gate, entrance, deadline, now } = setStage()
  t.equal(entrance().hasToWait(deadline()), false)
  gate.hold(UNAVAILABLE, 9_999, now())
  t.equal(entrance().hasToWait(deadline()), true)
  await clock.advance(9_999)
  t.equal(entrance().hasToWait(deadline()), false)
  gate.hold(UNAVAILABLE, 10_000, now())
  t.equal(entrance().hasToWait(deadline()), false, 'it is refused')
  await clock.advance(10_000)
  gate.coolDown.add(UNAVAILABLE, now())
  t.equal(entrance().hasToWait(deadline()), false, 'so it is during a cool-down')
  await clock.advance(1_000)
  t.equal(entrance().hasToWait(deadline()), false)
  const probe = entrance()
  await probe.enter(deadline())
  t.equal(entrance().hasToWait(deadline()), true)
  t.equal(probe.hasToWait(deadline()), false)
})

t.test('a run that has ended does not disturb the one that follows it', async (t) => {
  const { clock, entrance, deadline, fill } = setStage()
  await fill()
  const one = entrance()
  const [old, next] = [deadline(), deadline()]
  const before = one.wait(old)
  const waiting = one.wait(next)
  old.end(STOOD_STILL)
  t.equal(await before, STOOD_STILL)
  t.equal(await one.wait(old), STOOD_STILL)
  await clock.advance(10_000)
  t.equal(await waiting, WAITED_IN_VAIN)
  t.equal(one.waitedInVain(next), true)
})

t.test('leaves it to the timer to say why the time is over', async (t) => {
  const { clock, entrance, deadline, free } = setStage()
  const until = deadline()
  clock.timers.clear()
  await clock.advance(10_000)
  t.equal(until.leftMs, 0)
  const entering = entrance().enter(until)
  t.equal(await stateOf(entering), 'waiting')
  t.equal(await free(), 64)
  until.end(STOOD_STILL)
  t.equal(await stateOf(entering), STOOD_STILL)
})

t.test('takes a place in line, and gives it to the first that waits', async (t) => {
  const { entrance, deadline, fill, free } = setStage()
  await fill(1)
  const [one, second, third] = [entrance(), entrance(), entrance()]
  await one.wait(deadline())
  const entering = [second.enter(deadline()), third.enter(deadline())] as const
  one.leavePlace()
  t.equal(await stateOf(entering[0]), 'in')
  t.equal(await stateOf(entering[1]), 'waiting')
  second.leave()
  t.equal(await stateOf(entering[1]), 'in')
  third.leave()
  t.equal(await free(), 1)
})

t.test('a place that comes just when the wait ends is given back', async (t) => {
  const { places, fill, free } = setStage()
  await fill()
  const waiting = new AbortController()
  const taking = places.take(waiting.signal)
  waiting.abort()
  places.release()
  t.equal(await taking, false)
  t.equal(await free(), 1)
  t.equal(await places.take(waiting.signal), false, 'nothing for a wait that is over')
  t.equal(await free(), 1)
})
