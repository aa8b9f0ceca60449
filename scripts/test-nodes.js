// Runs the tests on the other versions of Node that are supported. The package `node` of npm brings their binaries.
import { spawnSync } from 'node:child_process'

const MAJORS = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24', '26']

for (const major of MAJORS) {
  process.stdout.write(`Node ${major}\n`)
  // The tests call npx themselves, which would take the settings of this call for its own.
  const command = 'unset npm_config_package npm_config_call; node --version; node_modules/.bin/tap'
  const { status } = spawnSync(
    'npx',
    ['-y', '-p', `node@${major}`, 'bash', '-c', `${command} --disable-coverage --reporter=terse`],
    { stdio: 'inherit' }
  )
  if (status !== 0) process.exitCode = 1
}
