import { checkAccessTokenId } from './control.js'
import { Emulation, tokenPath } from './emulation.js'
import { checkFaults, type Fault } from './faults.js'
import { Gateway } from './gateway/gateway.js'
import { listen } from './listen.js'
import { type EmulatorOptions, type ResolvedOptions, resolveOptions } from './options.js'
import type { ReceivedRequest } from './received.js'
import { sharedSigner } from './signer.js'

/** A running emulator. */
export interface Emulator {
  /** Such as `http://127.0.0.1:41234`. It is also the `iss` claim of the tokens. */
  readonly origin: string
  /** The URL of the token endpoint. */
  readonly tokenUrl: string
  /** The URL of the calling gateway (SIP over WebSocket), such as `ws://127.0.0.1:41234`. */
  readonly gatewayUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** The last 10,000 requests, oldest first. Requests to `/_emulator/` are not among them. */
  readonly received: readonly ReceivedRequest[]
  /**
   * Sets how the next token requests are answered and, with `on: 'invite'`, the next calls: one fault for each,
   * in the order in which they arrive. It replaces what is left of an earlier script, so `script([])` removes all
   * faults.
   *
   * @throws `ERR_BANDWIDTH_EMULATOR_OPTION_INVALID` if a fault is malformed; the script is then unchanged.
   */
  script(faults: readonly Fault[]): void
  /**
   * Makes the gateway refuse that token from now on. A connected call goes on.
   *
   * @throws `ERR_BANDWIDTH_EMULATOR_OPTION_INVALID` if the id is not a string of 1 to 256 characters.
   */
  revoke(accessTokenId: string): void
  /** Stops at once and closes all connections, hanging ones too. You may call it more than once. */
  close(): Promise<void>
}

/**
 * Starts a stand-in for Bandwidth's token endpoint and calling gateway.
 *
 * @throws `ERR_BANDWIDTH_EMULATOR_OPTION_INVALID`, synchronously, if an option is wrong.
 * @returns rejects with `ERR_BANDWIDTH_EMULATOR_LISTEN` if the port is taken.
 * @example
 * const emulator = await startEmulator({ expiresIn: 60 })
 * emulator.script([{ status: 503, headers: { 'retry-after': '7' } }])
 * await emulator.close()
 */
export function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return start(resolveOptions(options))
}

async function start(options: ResolvedOptions): Promise<Emulator> {
  const signer = await sharedSigner()
  const { server, origin, close } = await listen(options)
  const emulation = new Emulation({ origin, options, signer })
  server.on('request', (request, response) => {
    // This fails only if the client disconnects or the emulator is closed.
    emulation.handle(request, response).catch(() => response.destroy())
  })
  const gateway = new Gateway(server, {
    check: { signer, issuer: origin, revoked: emulation.revoked },
    record: (entry) => emulation.record(entry),
    nextFault: () => emulation.nextInviteFault()
  })
  return {
    origin,
    tokenUrl: origin + tokenPath,
    gatewayUrl: origin.replace(/^http/, 'ws'),
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    received: emulation.received,
    script: (faults) => emulation.script(checkFaults(faults)),
    revoke: (accessTokenId) => emulation.revoke(checkAccessTokenId(accessTokenId)),
    async close() {
      await Promise.all([gateway.close(), close()])
    }
  }
}
