import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.setTimeout(300_000)

/** What runs with undici 8 where Node can load it. */
const FILES = ['bandwidth-auth', 'dispatchers', 'headers']

for (const file of FILES) {
  t.test(`${file}.test.ts holds with undici 8, on Node 24`, async (t) => {
    const path = fileURLToPath(new URL(`${file}.test.js`, import.meta.url))
    // Without the loaders of the test runner, and without the settings of the npx that runs this test.
    const { NODE_OPTIONS, npm_config_package, npm_config_call, ...env } = process.env
    const child = spawn('npx', ['-y', '-p', 'node@24', 'node', path], {
      env,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    t.equal(code, 0, output.match(/^ *not ok .*$/gm)?.join('\n') ?? 'no test failed')
    t.match(output, /^ok \d+ - undici8/m)
  })
}
