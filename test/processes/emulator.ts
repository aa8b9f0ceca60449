import './orphan.js'
import { startEmulator } from '@bandwidth-token/emulator'

/** An emulator; what it listens on is the line that it writes. */
try {
  const { origin, tokenUrl } = await startEmulator(JSON.parse(process.argv[2] ?? '{}'))
  process.stdout.write(`${JSON.stringify({ origin, tokenUrl })}\n`)
} catch (error) {
  if ((error as { code?: string }).code !== 'ERR_BANDWIDTH_EMULATOR_LISTEN') throw error
  process.stdout.write(`${JSON.stringify({ isTaken: true })}\n`)
}
