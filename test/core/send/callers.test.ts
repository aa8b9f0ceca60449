import t from 'tap'
import { Attempt, callerOf } from '../../support/core-internals.js'

type Handler = Parameters<typeof callerOf>[0]
type Controller = Parameters<NonNullable<Handler['onRequestStart']>>[0]

const PROGRESS = { onBodySent: ['chunk'], onRequestSent: [], onResponseStarted: [] }
const resume = () => {}
/** What undici 6 calls, with which arguments. */
const CALLS_6 = {
  ...PROGRESS,
  onConnect: [() => {}, 'context'],
  onUpgrade: [101, 'headers', 'socket'],
  onHeaders: [200, 'headers', resume, 'OK'],
  onData: [Buffer.from('data')],
  onComplete: ['trailers'],
  onError: ['error']
}
/** What undici 7 and 8 call, after the controller of the connection. */
const CALLS_8 = {
  onRequestStart: ['context'],
  onRequestUpgrade: [101, 'headers', 'socket'],
  onResponseStart: [200, 'headers', 'OK'],
  onResponseData: [Buffer.from('data')],
  onResponseEnd: ['trailers'],
  onResponseError: ['error']
}

const newAttempt = () =>
  new Attempt(
    () => false,
    () => {}
  )
const abort = () => {}

/** A handler that records each call of `names`. */
function recording(names: string[]) {
  const calls: [name: string, args: unknown[]][] = []
  const handler = Object.fromEntries(
    names.map((name) => [name, (...args: unknown[]) => void calls.push([name, args])])
  ) as Handler
  return { handler, calls }
}

/** The controller of a connection, which records what is asked of it. */
function connection() {
  const asked: unknown[] = []
  const controller: Controller = {
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: 'raw headers',
    rawTrailers: 'raw trailers',
    abort: (reason) => void asked.push(['abort', reason]),
    pause: () => void asked.push('pause'),
    resume: () => void asked.push('resume')
  }
  return { controller, asked }
}

/** Calls a method as undici does. */
const call = (handler: Handler, name: string, args: unknown[]): unknown =>
  (handler as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)

t.test('a handler of undici 6', async (t) => {
  for (const [name, args] of Object.entries(CALLS_6)) {
    t.test(`hears ${name} with all that belongs to it`, async (t) => {
      const { handler, calls } = recording(Object.keys(CALLS_6))
      call(callerOf(handler).handlerOf(newAttempt(), abort), name, args)
      // The caller ends the exchange, not the connection.
      t.strictSame(calls, [[name, name === 'onConnect' ? [abort, 'context'] : args]])
    })

    t.test(`may do without ${name}`, async (t) => {
      const own = callerOf({}).handlerOf(newAttempt(), abort)
      t.doesNotThrow(() => call(own, name, args))
    })
  }

  t.test('hears of the beginning and of a failure, if it wants to', async (t) => {
    const { handler, calls } = recording(Object.keys(CALLS_6))
    callerOf(handler).begin(abort)
    callerOf(handler).fail('error')
    t.strictSame(calls, [
      ['onConnect', [abort]],
      ['onError', ['error']]
    ])
    t.doesNotThrow(() => callerOf({}).begin(abort))
    t.doesNotThrow(() => callerOf({}).fail('error'))
  })

  t.test('says whether it wants more', async (t) => {
    const own = callerOf({ onHeaders: () => false, onData: () => false }).handlerOf(newAttempt(), abort)
    t.equal(call(own, 'onHeaders', CALLS_6.onHeaders), false)
    t.equal(call(own, 'onData', CALLS_6.onData), false)
  })
})

t.test('a handler of undici 7 and 8', async (t) => {
  /** The handler of a caller who has begun, and who implements no more than `names`. */
  const setStage = (names: string[]) => {
    const { handler, calls } = recording([...names, 'onRequestStart'])
    const caller = callerOf(handler)
    const reasons: unknown[] = []
    caller.begin((reason) => reasons.push(reason))
    const controller = calls.splice(0)[0]?.[1][0] as Controller
    return { caller, own: caller.handlerOf(newAttempt(), abort), calls, controller, reasons }
  }

  for (const [name, args] of Object.entries(PROGRESS)) {
    t.test(`hears ${name} with all that belongs to it, if it wants to`, async (t) => {
      const { own, calls } = setStage(Object.keys(PROGRESS))
      call(own, name, args)
      t.strictSame(calls, [[name, args]])
      t.doesNotThrow(() => call(setStage([]).own, name, args))
    })
  }

  for (const [name, args] of Object.entries(CALLS_8)) {
    t.test(`hears ${name} with the controller that it knows, if it wants to`, async (t) => {
      const { own, calls, controller } = setStage(Object.keys(CALLS_8))
      call(own, name, [connection().controller, ...args])
      t.strictSame(calls, [[name, [controller, ...args]]])
      t.doesNotThrow(() => call(setStage([]).own, name, [connection().controller, ...args]))
    })
  }

  t.test('hears of a failure, if it wants to', async (t) => {
    const { caller, calls, controller } = setStage(['onResponseError'])
    caller.fail('error')
    t.strictSame(calls, [['onResponseError', [controller, 'error']]])
    t.doesNotThrow(() => setStage([]).caller.fail('error'))
  })

  t.test('has a controller before there is a connection', async (t) => {
    const { controller } = setStage([])
    t.match(controller, { aborted: false, paused: false, reason: null })
    t.equal(controller.rawHeaders, undefined)
    t.equal(controller.rawTrailers, undefined)
    controller.pause()
    t.equal(controller.paused, true)
    controller.resume()
    t.equal(controller.paused, false)
  })

  t.test('steers the connection of the attempt', async (t) => {
    const { own, controller } = setStage([])
    const { controller: target, asked } = connection()
    call(own, 'onRequestStart', [target])
    t.equal(controller.rawHeaders, 'raw headers')
    t.equal(controller.rawTrailers, 'raw trailers')
    controller.pause()
    controller.resume()
    t.strictSame(asked, ['pause', 'resume'])
  })

  t.test('aborts the exchange once', async (t) => {
    const { controller, reasons } = setStage([])
    controller.abort('enough')
    controller.abort('again')
    t.strictSame(reasons, ['enough'])
    t.match(controller, { aborted: true, reason: 'enough' })
  })

  t.test('pauses the connection if it is paused when something has come', async (t) => {
    for (const name of ['onResponseStart', 'onResponseData'] as const) {
      const { own, controller } = setStage([])
      const { controller: target, asked } = connection()
      call(own, name, [target, ...CALLS_8[name]])
      t.strictSame(asked, [])
      controller.pause()
      call(own, name, [target, ...CALLS_8[name]])
      t.strictSame(asked, ['pause'])
    }
  })
})

t.test(
  'an attempt of undici 7 and 8 that is held back goes on with its connection, and ends it',
  async (t) => {
    const caller = callerOf({ onRequestStart() {} })
    caller.begin(abort)
    const attempt = new Attempt(
      () => true,
      () => {}
    )
    const own = caller.handlerOf(attempt, abort)
    const { controller, asked } = connection()
    call(own, 'onRequestStart', [controller])
    call(own, 'onResponseStart', [controller, 401, {}, ''])
    attempt.release()
    attempt.cancel('closed')
    t.strictSame(asked, ['resume', ['abort', 'closed']])
  }
)
