#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { invalid } from './check.js'
import { type Emulator, startEmulator } from './emulator.js'
import { hasMedia, mediaPeer } from './gateway/media.js'
import type { EmulatorOptions } from './options.js'
import type { Network } from './received.js'

const help = `bandwidth-emulator: a local stand-in for Bandwidth's token endpoint and calling gateway

  --port <number>          port to listen on (default: a free one)
  --host <address>         address to listen on (default: 127.0.0.1)
  --client-id <text>       client id that is accepted (default: emulator)
  --client-secret <text>   its secret (default: a random one)
  --expires-in <seconds>   lifetime of the tokens (default: 600)
  --latency-ms <number>    milliseconds before each token answer (default: 0)
  --network <global|us>    refuse requests with the scope of the other network (default: accept both)
  --help                   show this
`

const silenceNotice = `Calls connect, but without sound: ${mediaPeer} is not installed. For sound, with npx: add --package ${mediaPeer}@0.24. Otherwise: npm install --save-dev ${mediaPeer}@0.24
`

const flags = {
  port: { type: 'string' },
  host: { type: 'string' },
  'client-id': { type: 'string' },
  'client-secret': { type: 'string' },
  'expires-in': { type: 'string' },
  'latency-ms': { type: 'string' },
  network: { type: 'string' },
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
    latencyMs: number('latency-ms', values['latency-ms']),
    network: network(values.network)
  }
  const emulator = await startEmulator(options)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => emulator.close())
  process.stdout.write(environment(emulator))
  process.stderr.write('Put these into the environment of your server. Ctrl+C stops the emulator.\n')
  if (!hasMedia()) process.stderr.write(silenceNotice)
}

function number(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return Number(text)
  throw invalid(`--${flag} takes a whole number`)
}

function network(text: string | undefined): Network | undefined {
  if (text === undefined || text === 'global' || text === 'us') return text
  throw invalid('--network takes global or us')
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
