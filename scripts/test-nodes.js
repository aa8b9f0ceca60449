// Runs the tests on the other supported versions of Node. The npm package `node` has their binaries.
import { spawnSync } from 'node:child_process'

const MAJORS = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24', '26']

for (const major of MAJORS) {
  process.stdout.write(`Node ${major}\n`)
  // The tests call npx too, which would read the settings of this call as its own.
  const command = 'unset npm_config_package npm_config_call; node --version; node_modules/.bin/tap'
  const { status } = spawnSync(
    'npx',
    ['-y', '-p', `node@${major}`, 'bash', '-c', `${command} --disable-coverage --reporter=terse`],
    { stdio: 'inherit' }
  )
  if (status !== 0) process.exitCode = 1
}
