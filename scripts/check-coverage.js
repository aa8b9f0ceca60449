// Fails if the tests run too small a share of the lines and branches of a folder. tap has measured it.
import { readFileSync } from 'node:fs'

const LIMITS = {
  'packages/core/src/': 95,
  'packages/fastify/src/': 100,
  'packages/express/src/': 100,
  'packages/web/src/': 100,
  'packages/redis/src/': 100,
  'packages/browser/src/': 100
}

const root = new URL('../', import.meta.url)
const summary = JSON.parse(readFileSync(new URL('.tap/report/coverage-summary.json', root), 'utf8'))

for (const [folder, limit] of Object.entries(LIMITS)) {
  const files = Object.entries(summary).filter(([file]) => file.startsWith(new URL(folder, root).pathname))
  if (files.length === 0) {
    fail(`${folder} was not measured`)
    continue
  }
  for (const measure of ['lines', 'branches']) {
    const sum = (key) => files.reduce((total, [, file]) => total + file[measure][key], 0)
    const percent = (100 * sum('covered')) / sum('total')
    process.stdout.write(`${folder} ${percent.toFixed(2)} % of ${measure}\n`)
    if (percent < limit) {
      fail(`${folder} must have ${limit} %`)
      for (const [file, { [measure]: measured }] of files) {
        if (measured.pct < 100)
          process.stderr.write(`  ${file.slice(root.pathname.length)} ${measured.pct} %\n`)
      }
    }
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
