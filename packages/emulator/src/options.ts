import { randomBytes } from 'node:crypto'
import { describe, invalid, longestTimerMs, oneOf, ownProperties, wholeNumber } from './check.js'
import type { Network } from './received.js'

/** The options of {@link startEmulator}. Only own properties count; an unknown one is an error. */
export interface EmulatorOptions {
  /** Port to listen on. `0` picks a free one. Default `0`. */
  port?: number | undefined
  /** Address to listen on. Default `'127.0.0.1'`, which only this machine can reach. */
  host?: string | undefined
  /** The one client id that is accepted. Default `'emulator'`. */
  clientId?: string | undefined
  /** The secret that goes with it. Default: a random one for each emulator. */
  clientSecret?: string | undefined
  /** Lifetime of the tokens in seconds, as in OAuth2. Default `600`. */
  expiresIn?: number | undefined
  /** Milliseconds to wait before each answer to a token request. Default `0`. */
  latencyMs?: number | undefined
  /**
   * The one network of Bandwidth to stand in for: requests with the other's scope are refused. `'global'` expects
   * `voice.webrtc`, `'us'` no scope. Default: both are accepted.
   */
  network?: Network | undefined
}

export interface ResolvedOptions {
  readonly port: number
  readonly host: string
  readonly clientId: string
  readonly clientSecret: string
  readonly expiresIn: number
  readonly latencyMs: number
  readonly network: Network | undefined
}

const known = ['port', 'host', 'clientId', 'clientSecret', 'expiresIn', 'latencyMs', 'network']

const networks: readonly Network[] = ['global', 'us']

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 7617 §2 forbids them in credentials
const controlCharacter = /[\u0000-\u001f\u007f]/

/** Checks all options. Nothing is opened before. */
export function resolveOptions(options: EmulatorOptions): ResolvedOptions {
  const given = ownProperties(options, known, 'the options')
  const {
    port = 0,
    host = '127.0.0.1',
    clientId = 'emulator',
    clientSecret = randomBytes(24).toString('base64url'),
    expiresIn = 600,
    latencyMs = 0,
    network
  } = given
  return {
    port: wholeNumber(port, 'option "port"', 0, 65535),
    host: text(host, 'option "host"'),
    clientId: credential(clientId, 'option "clientId"', ':'),
    clientSecret: credential(clientSecret, 'option "clientSecret"'),
    expiresIn: wholeNumber(expiresIn, 'option "expiresIn"', 1, 2 ** 31 - 1, ' of seconds'),
    latencyMs: wholeNumber(latencyMs, 'option "latencyMs"', 0, longestTimerMs, ' of milliseconds'),
    network: network === undefined ? undefined : oneOf(network, 'option "network"', networks)
  }
}

/** HTTP Basic separates id and secret by the first colon, so an id must not contain one (RFC 7617 §2). */
function credential(value: unknown, name: string, forbidden?: string): string {
  const string = text(value, name)
  if (forbidden !== undefined && string.includes(forbidden)) {
    throw invalid(`${name} must not contain "${forbidden}"`)
  }
  if (controlCharacter.test(string)) {
    throw invalid(`${name} must not contain control characters; is there a line break at its end?`)
  }
  return string
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`${name} must be a string that is not empty, not ${describe(value)}`)
}
