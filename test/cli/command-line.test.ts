import t from 'tap'
import type * as CommandLine from '../../packages/cli/dist/command-line.js'
import type * as Render from '../../packages/cli/dist/render.js'
import { load } from './diagnose.js'

const { readCommandLine } = await load<typeof CommandLine>('command-line.js')
const { render } = await load<typeof Render>('render.js')

t.test('reads what to check', async (t) => {
  t.strictSame(readCommandLine(['check']), {
    name: 'check',
    url: undefined,
    cookie: undefined,
    network: 'global',
    allowInsecureTokenUrl: false,
    tryExchanged: false,
    isJson: false
  })
  const all = [
    '--url',
    'https://app.example/token',
    '--cookie',
    'a=b; c=d',
    '--network=us',
    '--json',
    '--try-exchanged',
    '--allow-insecure-token-url'
  ]
  t.strictSame(readCommandLine(['check', ...all]), {
    name: 'check',
    url: 'https://app.example/token',
    cookie: 'a=b; c=d',
    network: 'us',
    allowInsecureTokenUrl: true,
    tryExchanged: true,
    isJson: true
  })
  t.strictSame(readCommandLine(['token', '--account', 'alice', '--network', 'us']), {
    name: 'token',
    account: 'alice',
    network: 'us',
    allowInsecureTokenUrl: false
  })
  t.match(readCommandLine(['token', '--allow-insecure-token-url']), { allowInsecureTokenUrl: true })
  for (const args of [['--help'], ['help'], ['check', '--help'], ['token', '--help']]) {
    t.strictSame(readCommandLine(args), { name: 'help' })
  }
})

const route = ['--url', 'https://app.example']
for (const [args, problem] of [
  [[], /name a command/],
  [['chekc'], /two commands/],
  [['check', '--cooki=hunter2'], /no option --cooki$/],
  [['check', ...route, '--cookie', 'session=x', 'hunter2'], /argument too many/],
  [['check', '--cookie'], /--cookie/],
  [['check', '--json=hunter2'], /--json is used in a wrong way/],
  [['check', '--network', 'hunter2'], /--network takes global or us/],
  [['token', '--network', 'hunter2'], /--network takes global or us/],
  [['check', '--url', 'hunter2'], /--url takes an http: or https: URL/],
  [['check', '--url', 'ftp://hunter2'], /--url takes/],
  [['check', '--url', 'https://user:hunter2@app.example'], /--url takes/],
  [['check', ...route, '--cookie', 'hunter2'], /--cookie takes a Cookie header/],
  [['check', ...route, '--cookie', 'a=hunter2\n'], /--cookie takes a Cookie header/],
  [['check', '--cookie', 'a=hunter2'], /--cookie needs --url/],
  [['token', '--account', 'hunter2'.repeat(40)], /256 characters/],
  [['token', 'hunter2'], /argument too many/]
] as const) {
  t.test(`says what is wrong with "${args.join(' ').slice(0, 60)}", and repeats no value`, async (t) => {
    const command = readCommandLine(args)
    t.match(command, { name: 'wrong', problem })
    t.notMatch(JSON.stringify(command), 'hunter2')
  })
}

const findings = [
  { level: 'ok', stage: 'environment', code: 'credentials', message: 'This is well.' },
  { level: 'note', stage: 'endpoint', code: 'proxy', message: 'This is good to know.' },
  { level: 'fault', stage: 'token', code: 'no-token', message: 'This is wrong.' }
] as const

t.test('writes a line for each finding and one that sums up', async (t) => {
  t.strictSame(render(findings, 'plain').split('\n'), [
    'ok    environment This is well.',
    'note  endpoint    This is good to know.',
    'FAULT token       This is wrong.',
    'One thing is wrong.',
    ''
  ])
  t.match(render([...findings, findings[2]], 'plain'), '2 things are wrong.')
  t.match(render(findings.slice(0, 2), 'plain'), 'All is well.')
})

t.test('is coloured on a terminal, and complete for machines', async (t) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
  t.match(render(findings, 'terminal'), /^\u001b\[32m✓\u001b\[0m .*This is well\.\n.*•.*\n\u001b\[31m✗/)
  t.strictSame(JSON.parse(render(findings, 'json')), { ok: false, findings })
})
