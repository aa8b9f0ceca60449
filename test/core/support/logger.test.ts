import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { createLog } from '../../support/core-internals.js'
import { processEvents } from '../../support/process-events.js'
import { recordingLogger } from '../../support/recording-logger.js'

t.test('a log writes each level to the logger', async (t) => {
  const logger = recordingLogger()
  const log = createLog(logger)
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({ account: 'a' }, `${level}.`)
  t.match(
    logger.lines.map((line) => [line.level, line.message]),
    [
      ['debug', 'debug.'],
      ['info', 'info.'],
      ['warn', 'warn.'],
      ['error', 'error.']
    ]
  )
})

t.test('a warning is written once in the life of a log', async (t) => {
  const logger = recordingLogger()
  for (const log of [createLog(logger), createLog(logger)]) {
    for (const message of ['one', 'one', 'two', 'one']) log.warnOnce(message)
    for (const message of ['three', 'three']) log.warnConfiguration(message)
  }
  t.strictSame(
    logger.warnings().map(({ message }) => message),
    ['one', 'two', 'three', 'one', 'two', 'three']
  )
})

t.test('a mistake in the configuration is a warning of the process where there is no logger', async (t) => {
  const warnings = processEvents(t, 'warning')
  const log = createLog(undefined)
  log.warnConfiguration('a mistake')
  log.warnConfiguration('a mistake')
  log.warnOnce('nobody hears this')
  await setImmediate()
  t.match(warnings, [
    { name: 'BandwidthTokenWarning', code: 'BANDWIDTH_TOKEN_CONFIGURATION', message: 'a mistake' }
  ])
  t.equal(warnings.length, 1)
})

t.test('a logger that throws or rejects harms nobody', async (t) => {
  const unhandled = processEvents(t, 'unhandledRejection')
  const bad = () => {
    throw new Error('disk full')
  }
  const late = async () => bad()
  for (const method of [bad, late]) {
    const log = createLog({ debug: method, info: method, warn: method, error: method })
    t.doesNotThrow(() => log.error({}, 'message'))
  }
  await setImmediate()
  t.strictSame(unhandled, [])
})

t.test('a logger is called in the async context in which its log was made', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const see = () => seen.push(storage.getStore())
  const log = storage.run('maker', () => createLog({ debug: see, info: see, warn: see, error: see }))
  storage.run('caller', () => log.info({}, 'message'))
  t.strictSame(seen, ['maker'])
})
