import type { TokenStore } from '@bandwidth-token/core'
import t from 'tap'
import { recordingLogger } from '../../support/recording-logger.js'
import { startFleet } from './fleet.js'

t.test('writes a few lines about a store that fails every other time, and later one more', async (t) => {
  const { endpoint, join, store } = await startFleet(t)
  let reads = 0
  let isDown = false
  const flapping = new Proxy(store, {
    get: (target, name: keyof TokenStore) =>
      isDown || (name === 'get' && reads++ % 2 === 1)
        ? () => Promise.reject(new Error('down'))
        : target[name].bind(target)
  })
  const logger = recordingLogger()
  const member = join({ store: flapping, logger })
  for (let account = 0; account < 100; account++) await member.getToken({ account: `flapping-${account}` })
  t.equal(logger.warnings().length, 5)
  t.equal(logger.lines.filter(({ message }) => message === 'The store answers again.').length, 5)

  isDown = true
  await member.getToken({ account: 'later' })
  t.equal(logger.warnings().length, 5)
  await endpoint.clock.advance(600_000)
  await member.getToken({ account: 'much later' })
  t.equal(logger.warnings().length, 6)
})
