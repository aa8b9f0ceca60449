import { readFile } from 'node:fs/promises'
import type { LookupFunction } from 'node:net'
import { TokenProvider } from '@bandwidth-token/core'
import t from 'tap'
import { Agent } from 'undici'
import { emulate } from '../support/emulate.js'
import { thrownBy } from '../support/outcomes.js'
import { recordingLogger } from '../support/recording-logger.js'

const readme = await readFile(
  new URL('../README.md', import.meta.resolve('@bandwidth-token/emulator')),
  'utf8'
)
const compose = /^```yaml\n(.*?)^```$/ms.exec(readme)?.[1] ?? ''

/** As the names of services are resolved in a network of containers. */
const lookup: LookupFunction = (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])

t.test('serves an app in another container, which has to allow it', async (t) => {
  const { host, port } = /--host (?<host>\S+) --port (?<port>\d+)/.exec(compose)?.groups ?? {}
  const url = /BW_TOKEN_URL: (\S+)/.exec(compose)?.[1] ?? ''
  t.equal(new URL(url).port, port, 'the compose file agrees with itself')

  const emulator = await emulate(t, { host })
  const tokenUrl = url.replace(`${port}`, new URL(emulator.origin).port)
  const { clientId, clientSecret } = emulator
  const dispatcher = new Agent({ connect: { lookup } })
  t.teardown(() => dispatcher.destroy())
  const options = { tokenUrl, clientId, clientSecret, dispatcher }
  t.match(thrownBy(() => new TokenProvider(options)).message, 'allowInsecureTokenUrl')

  const logger = recordingLogger()
  const provider = new TokenProvider({ ...options, logger, allowInsecureTokenUrl: true })
  t.teardown(() => provider.close())
  t.match(await provider.getToken(), { expiresIn: Number })
  t.match(emulator.received, [{ status: 200, secretCorrect: true }])
  t.match(logger.warnings(), [{ message: /allowInsecureTokenUrl/ }])
})
