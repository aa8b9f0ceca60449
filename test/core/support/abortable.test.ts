import { getEventListeners } from 'node:events'
import t from 'tap'
import { abortable, controllerWithin } from '../../support/core-internals.js'
import { rejection } from '../../support/outcomes.js'
import { processEvents } from '../../support/process-events.js'

const never = () => new Promise<never>(() => {})
const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

t.test('what is awaited with a signal', async (t) => {
  t.test('comes out as it is', async (t) => {
    const { signal } = new AbortController()
    t.equal(await abortable(Promise.resolve('done'), signal), 'done')
    const error = new Error('failed')
    t.equal(await rejection(abortable(Promise.reject(error), signal)), error)
  })

  t.test('ends with the reason of the signal, for all who wait on it', async (t) => {
    const controller = new AbortController()
    const waits = [never(), never(), never()].map((work) => rejection(abortable(work, controller.signal)))
    const reason = new Error('enough')
    controller.abort(reason)
    t.strictSame(await Promise.all(waits), [reason, reason, reason])
  })

  t.test("is not begun with a signal that is aborted, and its failure is nobody's", async (t) => {
    const unhandled = processEvents(t, 'unhandledRejection')
    const reason = new Error('enough')
    t.equal(await rejection(abortable(Promise.reject(new Error('late')), AbortSignal.abort(reason))), reason)
    await new Promise(setImmediate)
    t.strictSame(unhandled, [])
  })

  t.test('needs one listener, until nobody waits any more', async (t) => {
    const { signal } = new AbortController()
    let finish = () => {}
    const work = new Promise<void>((resolve) => {
      finish = resolve
    })
    const first = abortable(Promise.resolve(), signal)
    const others = [abortable(work, signal), abortable(work, signal)]
    t.equal(listeners(signal), 1)
    await first
    t.equal(listeners(signal), 1, 'two still wait')
    finish()
    await Promise.all(others)
    t.equal(listeners(signal), 0)
    await abortable(Promise.resolve(), signal)
    t.equal(listeners(signal), 0)
  })

  t.test('is aborted also if it began after others had ended', async (t) => {
    const controller = new AbortController()
    await abortable(Promise.resolve(), controller.signal)
    const late = rejection(abortable(never(), controller.signal))
    controller.abort(new Error('enough'))
    t.match(await late, { message: 'enough' })
  })

  t.test('may come with a signal of another library', async (t) => {
    const foreign = { aborted: false, reason: undefined, addEventListener() {} } as unknown as AbortSignal
    t.equal(await abortable(Promise.resolve('done'), foreign), 'done')
  })
})

t.test('a controller within a signal is aborted with it, at once or later', (t) => {
  const reason = new Error('enough')
  const outer = new AbortController()
  const inner = controllerWithin(outer.signal)
  t.equal(inner.signal.aborted, false)
  outer.abort(reason)
  t.equal(inner.signal.reason, reason)
  t.equal(controllerWithin(outer.signal).signal.reason, reason)
  t.end()
})
