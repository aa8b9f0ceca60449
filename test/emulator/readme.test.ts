import { readFile } from 'node:fs/promises'
import t from 'tap'
import { run } from './helpers.js'

const readme = await readFile(
  new URL('../README.md', import.meta.resolve('@bandwidth-token/emulator')),
  'utf8'
)

const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code)

t.test('has examples that run as written and let the process exit', async (t) => {
  t.equal(blocks.length, 4)
  for (const block of blocks) t.equal((await run(block)).exitCode, 0)
})

t.test('has a quick start that prints what it says', async (t) => {
  const { output } = await run(blocks[0] ?? '')
  t.equal(output, "Bearer 600\n503\n[ 'emulator 200', 'emulator 503' ]\n")
})

t.test('names every option, flag and fault property', async (t) => {
  const named = [
    ...['port', 'host', 'clientId', 'clientSecret', 'expiresIn', 'latencyMs', 'network'],
    ...['--port', '--host', '--client-id', '--client-secret', '--expires-in'],
    ...['--latency-ms', '--network', 'scopeCorrect'],
    ...['on', 'status', 'body', 'headers', 'delayMs', 'slowBodyMs', 'hang', 'reset'],
    ...['gatewayUrl', 'verdict', 'accessTokenId', 'INVITE', 'CANCEL', 'BYE', 'OPTIONS', 'INFO']
  ]
  for (const name of named) t.match(readme, new RegExp(`\\| \`${name}\` +\\|`), name)
})
