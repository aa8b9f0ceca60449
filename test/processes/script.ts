import './orphan.js'
import { TokenProvider } from '@bandwidth-token/core'

/** A program without a server: it asks for a token, says what came of it, and has nothing more to do. */
const { closes, ...options } = JSON.parse(process.argv[2] ?? '{}')
const provider = new TokenProvider(options)
if (closes) process.once('SIGTERM', () => provider.close())
process.stdout.write(`${JSON.stringify('asking')}\n`)
const outcome = await provider.getToken().then(
  ({ expiresIn }) => `a token for ${expiresIn} s`,
  ({ code }) => code
)
process.stdout.write(`${JSON.stringify(outcome)}\n`)
