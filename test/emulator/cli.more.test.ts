import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { freePort } from '../support/free-port.js'
import { until } from '../support/outcomes.js'
import { Program } from '../support/program.js'
import type { Teardown } from '../support/teardown.js'
import { basic } from './helpers.js'

const cli = fileURLToPath(new URL('cli.js', import.meta.resolve('@bandwidth-token/emulator')))

class Command extends Program {
  constructor(t: Teardown, ...args: string[]) {
    super(t, [cli, ...args])
  }

  /** What the command prints, once a shell has taken it into its environment. */
  async environment(): Promise<Record<string, string>> {
    await until(() => /^export BW_CLIENT_SECRET=.*\n/m.test(this.stdout))
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `${this.stdout}env -0`], { env: {} })
    const pairs = stdout.split('\0').map((line) => /^(\w+)=(.*)$/s.exec(line)?.slice(1) ?? [])
    return Object.fromEntries(pairs.filter(([name]) => name?.startsWith('BW_')))
  }
}

function requestToken({ BW_TOKEN_URL = '', BW_CLIENT_ID = '', BW_CLIENT_SECRET = '' }) {
  return fetch(BW_TOKEN_URL, {
    method: 'POST',
    headers: { authorization: basic(BW_CLIENT_ID, BW_CLIENT_SECRET) },
    body: new URLSearchParams({ grant_type: 'client_credentials' })
  })
}

t.test('prints an environment with which a token can be had', async (t) => {
  const command = new Command(t)
  const environment = await command.environment()
  t.match(environment, {
    BW_TOKEN_URL: /^http:\/\/127\.0\.0\.1:\d+\/api\/v1\/oauth2\/token$/,
    BW_GATEWAY_URL: /^ws:\/\/127\.0\.0\.1:\d+$/,
    BW_CLIENT_ID: 'emulator',
    BW_CLIENT_SECRET: /^[\w-]{32}$/
  })
  t.match(command.stdout, /^export BW_TOKEN_URL=http:/m, 'plain values stay without quotes')
  t.equal((await requestToken(environment)).status, 200)
})

t.test('takes every option as a flag', async (t) => {
  const port = await freePort()

  const secret = `it's $HOME "quoted" \`id\` \\`
  const flags = ['--host', 'localhost', '--client-id', 'a b', '--client-secret', secret, '--expires-in', '60']
  const network = ['--network', 'us']
  const command = new Command(t, '--port', String(port), ...flags, '--latency-ms=80', ...network)
  const environment = await command.environment()
  t.strictSame(environment, {
    BW_TOKEN_URL: `http://localhost:${port}/api/v1/oauth2/token`,
    BW_GATEWAY_URL: `ws://localhost:${port}`,
    BW_CLIENT_ID: 'a b',
    BW_CLIENT_SECRET: secret
  })
  const startedAt = performance.now()
  const response = await requestToken(environment)
  t.ok(performance.now() - startedAt >= 78)
  t.match(await response.json(), { expires_in: 60 })
  const received = await fetch(`http://localhost:${port}/_emulator/received`)
  t.match(await received.json(), [{ scopeCorrect: true }])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`stops cleanly at ${signal}, even if a request hangs`, async (t) => {
    const command = new Command(t, '--latency-ms', '3600000')
    const environment = await command.environment()
    const hanging = t.rejects(requestToken(environment))
    const { origin } = new URL(environment.BW_TOKEN_URL ?? '')
    let arrived: unknown[] = []
    while (arrived.length === 0)
      arrived = (await (await fetch(`${origin}/_emulator/received`)).json()) as unknown[]
    command.process.kill(signal)
    t.equal(await command.exitCode(), 0)
    await hanging
  })
}

t.test('explains itself', async (t) => {
  const command = new Command(t, '--help')
  t.equal(await command.exitCode(), 0)
  for (const flag of [
    'port',
    'host',
    'client-id',
    'client-secret',
    'expires-in',
    'latency-ms',
    'network',
    'help'
  ]) {
    t.match(command.stdout, `--${flag} `)
  }
  t.equal(command.stderr, '')
})

const wrong: [string, string[], RegExp][] = [
  ['an unknown flag', ['--prot', '1'], /Unknown option '--prot'/],
  ['a word', ['start'], /Unexpected argument 'start'/],
  ['a flag without its value', ['--port'], /'--port <value>' argument missing/],
  ['a port that is no number', ['--port', '0x1F'], /--port takes a whole number/],
  ['a port out of range', ['--port', '70000'], /option "port" must be a whole number from 0 to 65535/],
  ['a lifetime of zero', ['--expires-in', '0'], /option "expiresIn" must be a whole number/],
  ['a latency with a unit', ['--latency-ms', '5s'], /--latency-ms takes a whole number/],
  ['a network that does not exist', ['--network', 'eu'], /--network takes global or us/],
  ['an empty secret', ['--client-secret', ''], /option "clientSecret" must be a string that is not empty/]
]
for (const [what, args, message] of wrong) {
  t.test(`refuses ${what} in one line`, async (t) => {
    const command = new Command(t, ...args)
    t.equal(await command.exitCode(), 1)
    t.match(command.stderr, /^bandwidth-emulator: [^\n]+\n$/)
    t.match(command.stderr, message)
    t.equal(command.stdout, '')
  })
}

t.test('says in one line that a port is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const command = new Command(t, '--port', String(port))
  t.equal(await command.exitCode(), 1)
  t.match(
    command.stderr,
    new RegExp(`^bandwidth-emulator: port ${port} on 127\\.0\\.0\\.1 is taken[^\\n]*\\n$`)
  )
})
