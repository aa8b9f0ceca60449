import t from 'tap'
import { emulate } from '../support/emulate.js'
import { diagnose, environmentOf, isFault } from './diagnose.js'

t.test('an endpoint that does not answer is named after six seconds', async (t) => {
  const emulator = await emulate(t)
  emulator.script([{ hang: 'headers' }, { hang: 'headers' }])
  const env = environmentOf(emulator)
  // At an address of development, that is what is named.
  isFault(t, await diagnose(env), 'token-url-left-over', /does not answer \(no answer in time\)/)
})
