import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { emulate } from '../support/emulate.js'
import { Program } from '../support/program.js'
import type { Teardown } from '../support/teardown.js'
import { environmentOf } from './diagnose.js'

const command = fileURLToPath(
  new URL('dist/cli.js', import.meta.resolve('@bandwidth-token/cli/package.json'))
)
const emulator = await emulate(t)
const env = environmentOf(emulator)

async function run(t: Teardown, args: readonly string[], environment = env) {
  // Without the loaders of the test runner it starts in half the time.
  const own = { PATH: process.env['PATH'], ...environment }
  const program = new Program(t, [command, ...args], { env: own })
  const status = await program.exitCode()
  return { status, stdout: program.stdout, stderr: program.stderr }
}

t.test('check says a line for each finding and ends with 0 where all is well', async (t) => {
  const { status, stderr, stdout } = await run(t, ['check'])
  t.equal(status, 0)
  t.equal(stderr, '')
  t.match(stdout, /^ok {4}environment BW_CLIENT_ID and BW_CLIENT_SECRET are set\.\n/)
  t.match(stdout, /\nAll is well\.\n$/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
  t.notMatch(stdout, /\u001b/, 'no colours in a pipe')
  t.equal(stdout.split('\n').length, 7)
})

t.test('check ends with 1 where something is wrong, also as JSON', async (t) => {
  const wrong = { ...env, BW_CLIENT_SECRET: 'outdated' }
  const { status, stdout } = await run(t, ['check', '--json', '--network', 'us'], wrong)
  t.equal(status, 1)
  const report = JSON.parse(stdout)
  t.match(report, { ok: false, findings: [{ level: 'ok', stage: 'environment' }] })
  t.match(report.findings.at(-1), {
    level: 'fault',
    stage: 'token',
    code: 'credentials-refused',
    message: String
  })
  t.match(
    (await run(t, ['check'], wrong)).stdout,
    /\nFAULT token {7}The endpoint answered[^\n]+\nOne thing is wrong\.\n$/
  )
})

t.test('check says that a proxy variable is no URL, without its value', async (t) => {
  const { status, stderr, stdout } = await run(t, ['check'], { ...env, HTTPS_PROXY: 'user:hunter2@:::' })
  t.equal(status, 1)
  t.match(stdout, /HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy/)
  t.notMatch(stdout + stderr, 'hunter2')
})

t.test('goes directly to this machine, whatever proxy is set', async (t) => {
  const proxies = { HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' }
  t.equal((await run(t, ['token'], { ...env, ...proxies })).status, 0)
})

t.test('ends quietly if its reader is gone', async (t) => {
  const child = spawn(process.execPath, [command, 'check'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  child.stdout.destroy()
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [status] = await once(child, 'close')
  t.equal(errors, '')
  t.equal(status, 0)
})

t.test('token prints one token and nothing else', async (t) => {
  const { status, stderr, stdout } = await run(t, ['token', '--account', 'alice'])
  t.equal(status, 0)
  t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  t.equal(stderr, '')
})

t.test('token says in one line why there is none', async (t) => {
  for (const [change, says] of [
    [{ BW_CLIENT_SECRET: 'outdated' }, /rejected the client credentials.*swapped/],
    [{ BW_CLIENT_SECRET: '' }, /BW_CLIENT_SECRET/],
    [{ HTTP_PROXY: ':::' }, /not the URL of a proxy/]
  ] as const) {
    const { status, stderr, stdout } = await run(t, ['token'], { ...env, ...change })
    t.equal(status, 1)
    t.equal(stdout, '')
    t.match(stderr, /^bandwidth-token: [^\n]+bandwidth-token check\.\n$/)
    t.match(stderr, says)
  }
})

t.test('explains itself', async (t) => {
  const { status, stderr, stdout } = await run(t, ['check', '--help'])
  t.equal(status, 0)
  t.equal(stderr, '')
  for (const name of ['url', 'cookie', 'network', 'try-exchanged', 'json', 'account', 'help'])
    t.match(stdout, `--${name} `)
})
