import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import t from 'tap'
import { isReplayable, watchBody } from '../../support/core-internals.js'

t.test('a body that can be sent a second time', async (t) => {
  for (const body of [
    undefined,
    null,
    '',
    'text',
    Buffer.from('text'),
    new DataView(new ArrayBuffer(1)),
    new ArrayBuffer(1),
    new SharedArrayBuffer(1),
    new Blob(['text']),
    new (await import('node:buffer')).File(['text'], 'name'),
    new FormData()
  ]) {
    t.equal(isReplayable(body), true, Object.prototype.toString.call(body))
  }
})

t.test('a body that is used up by the first time', async (t) => {
  for (const body of [Readable.from(['text']), new Blob(['text']).stream(), ['text'].values(), 5, {}]) {
    t.equal(isReplayable(body), false, Object.prototype.toString.call(body))
  }
})

t.test('the failure of a stream is heard until nobody watches it any more', async (t) => {
  const stream = new EventEmitter()
  const errors: unknown[] = []
  const unwatch = watchBody(stream, (error) => errors.push(error))
  stream.emit('error', 'no such file')
  t.strictSame(errors, ['no such file'])
  unwatch()
  t.equal(stream.listenerCount('error'), 0)
})

t.test('what is no stream is left alone', async (t) => {
  for (const body of [undefined, null, 'text', { on: true, off: true }, { on() {} }, { off() {} }]) {
    t.equal(watchBody(body, () => t.fail())(), undefined)
  }
})
