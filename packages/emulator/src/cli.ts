#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { invalid } from './check.js'
import { type Emulator, startEmulator } from './emulator.js'
import type { EmulatorOptions } from './options.js'

const help = `bandwidth-emulator: a local stand-in for Bandwidth's token endpoint and calling gateway

  --port <number>          port to listen on (default: a free one)
  --host <address>         address to listen on (default: 127.0.0.1)
  --client-id <text>       client id that is accepted (default: emulator)
  --client-secret <text>   its secret (default: a random one)
  --expires-in <seconds>   lifetime of the tokens (default: 600)
  --latency-ms <number>    milliseconds before each token answer (default: 0)
  --help                   show this
`

const flags = {
  port: { type: 'string' },
  host: { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'string' },
  'expires-in': { type: 'string' },
  'latency-ms': { type: 'string' },
  help: { type: 'boolean' }
} as const

try {
  await main()
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`bandwidth-emulator: ${message.split('\n', 1)[0]}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: flags })
  if (values.help) {
    process.stdout.write(help)
    return
  }
  const options: EmulatorOptions = {
    port: number('port', values.port),
    host: values.host,
    clientId: values['client-id'],
    clientSecret: values['client-secret'],
    expiresIn: number('expires-in', values['expires-in']),
    latencyMs: number('latency-ms', values['latency-ms'])
  }
  const emulator = await startEmulator(options)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => emulator.close())
  process.stdout.write(environment(emulator))
  process.stderr.write('Put these into the environment of your server. Ctrl+C stops the emulator.\n')
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d+$/.test(text)) return text === undefined ? undefined : Number(text)
  throw invalid(`--${flag} takes a whole number`)
}

function environment({ tokenUrl, gatewayUrl, clientId, clientSecret }: Emulator): string {
  const variables = {
    BW_TOKEN_URL: tokenUrl,
    BW_GATEWAY_URL: gatewayUrl,
    BW_CLIENT_ID: clientId,
    BW_CLIENT_SECRET: clientSecret
  }
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`)
  return lines.join('')
}

/** Quotes a value so that the shell takes it as text, whatever characters it has. */
function shellQuoted(value: string): string {
  return /^[\w.:/@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}
