import t from 'tap'
import { cancelTimeout, holdProcess, setBackgroundTimeout } from '../../support/core-internals.js'

/** A timer whose handle says whether it holds the process. */
function setStage() {
  const heard: unknown[] = []
  const handle = { ref: () => heard.push('ref'), unref: () => heard.push('unref') }
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    setTimeout: (callback: () => void, delayMs: number) => {
      heard.push(delayMs)
      callback()
      return handle
    },
    clearTimeout: (cleared: unknown) => void heard.push(['clear', cleared])
  }
  return { clock, handle, heard }
}

t.test('a background timer waits for whole milliseconds, and does not hold the process', (t) => {
  const { clock, handle, heard } = setStage()
  t.equal(
    setBackgroundTimeout(clock, () => heard.push('called'), 1_000.2),
    handle
  )
  t.strictSame(heard, [1_001, 'called', 'unref'])
  t.end()
})

t.test('a timer holds the process if it is told to, and its handle can', (t) => {
  const { handle, heard } = setStage()
  holdProcess(handle, true)
  holdProcess(handle, false)
  t.strictSame(heard, ['ref', 'unref'])
  for (const other of [undefined, null, 5, {}]) {
    t.doesNotThrow(() => holdProcess(other, true))
    t.doesNotThrow(() => holdProcess(other, false))
  }
  t.end()
})

t.test('a timer is cancelled if there is one', (t) => {
  const { clock, heard } = setStage()
  t.equal(cancelTimeout(clock, undefined), undefined)
  t.strictSame(heard, [])
  t.equal(cancelTimeout(clock, 0), undefined)
  t.strictSame(heard, [['clear', 0]])
  t.end()
})
