import { errorAnswer } from '@bandwidth-token/core/adapter'
import t, { type Test } from 'tap'
import { startEndpoint } from '../support/endpoint.js'

function pollute(t: Test, name: string, value: unknown): void {
  Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
  t.teardown(() => Reflect.deleteProperty(Object.prototype, name))
}

for (const name of ['remedy', 'failure']) {
  t.test(`takes no token for a failure if the prototype has a "${name}"`, async (t) => {
    const endpoint = await startEndpoint(t)
    const provider = endpoint.provider(t)
    pollute(t, name, 'wait')
    t.equal((await provider.getToken()).accessToken, 'token-1')
  })
}

t.test('shows no message of a foreign error if the prototype has a "code"', async (t) => {
  pollute(t, 'code', 'ERR_BANDWIDTH_TOKEN_FORBIDDEN')
  t.equal(errorAnswer(new Error('the password of the database')), undefined)
})
