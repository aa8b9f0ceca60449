import { randomInt } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { type MessagePort, parentPort } from 'node:worker_threads'
import {
  RTCDtlsParameters,
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceParameters,
  RTCIceTransport
} from 'werift'
import type { MediaCommand, MediaReport } from './media.js'
import type { Local, Remote } from './offer.js'

/** The SRTP profiles of RFC 5764 and RFC 7714 that browsers offer. */
const srtpProfiles = [1, 7] as ConstructorParameters<typeof RTCDtlsTransport>[3]

/** The other end of one call's media. It sends back the audio that it receives. */
class Echo {
  on = false
  readonly #address: string
  readonly #ice: RTCIceTransport
  readonly #dtls: RTCDtlsTransport
  readonly #ssrc = randomInt(1, 2 ** 32)
  #sequence = randomInt(2 ** 15)

  constructor(address: string, certificate: Awaited<ReturnType<typeof RTCDtlsTransport.SetupCertificate>>) {
    this.#address = address
    // ICE lite (RFC 8445 §2.5) only answers checks. So it does not need the browser's candidates, whose addresses
    // may be hidden behind mDNS names, and it sends nothing to an address that was only named to it.
    const gatherer = new RTCIceGatherer({
      iceLite: true,
      useIpv4: false,
      useIpv6: false,
      useTcp: false,
      additionalHostAddresses: [address],
      interfaceAddresses: { [isIPv6(address) ? 'udp6' : 'udp4']: address }
    })
    this.#ice = new RTCIceTransport(gatherer)
    this.#dtls = new RTCDtlsTransport({}, this.#ice, certificate, srtpProfiles)
    this.#dtls.role = 'server'
    this.#dtls.onRtp.subscribe(({ header, payload }) => {
      if (!this.on) return
      // Number the packets anew: after a long hold, the browser could not follow a gap in the numbers.
      this.#sequence = (this.#sequence + 1) % 2 ** 16
      header.sequenceNumber = this.#sequence
      header.ssrc = this.#ssrc
      this.#dtls.sendRtp(payload, header).catch(() => undefined)
    })
  }

  async open({ ufrag, password, fingerprint }: Remote): Promise<Local> {
    await this.#ice.gather()
    this.#ice.setRemoteParams(new RTCIceParameters({ usernameFragment: ufrag, password }))
    this.#dtls.setRemoteParams(new RTCDtlsParameters([fingerprint], 'client'))
    // Both wait for the browser, if need be until the call ends.
    this.#ice.start().catch(() => undefined)
    this.#dtls.start().catch(() => undefined)
    return this.#local()
  }

  /** New ICE credentials on the same port, under the same DTLS association (RFC 8445 §9). */
  async restart({ ufrag, password }: Remote): Promise<Local> {
    this.#ice.setRemoteParams(new RTCIceParameters({ usernameFragment: ufrag, password }))
    await this.#ice.gather()
    this.#ice.start().catch(() => undefined)
    return this.#local()
  }

  close(): Promise<void> {
    return this.#dtls.stop()
  }

  #local(): Local {
    const [candidate] = this.#ice.localCandidates
    const [fingerprint] = this.#dtls.localParameters.fingerprints
    const { usernameFragment, password } = this.#ice.localParameters
    if (candidate === undefined || fingerprint === undefined) {
      throw new Error(`no UDP port could be opened on ${this.#address}`)
    }
    const { algorithm, value } = fingerprint
    return {
      address: this.#address,
      port: candidate.port,
      ssrc: this.#ssrc,
      ufrag: usernameFragment,
      password,
      fingerprint: { algorithm, value }
    }
  }
}

const echoes = new Map<number, Echo>()

async function open(id: number, address: string, remote: Remote): Promise<Local> {
  const running = echoes.get(id)
  if (running !== undefined) return running.restart(remote)
  const echo = new Echo(address, await RTCDtlsTransport.SetupCertificate())
  echoes.set(id, echo)
  return echo.open(remote)
}

function serve(port: MessagePort): void {
  port.on('message', (command: MediaCommand) => {
    if (command.type === 'end') {
      Promise.allSettled([...echoes.values()].map((echo) => echo.close())).finally(() => process.exit())
      return
    }
    const { id } = command
    if (command.type === 'open') {
      open(id, command.address, command.remote).then(
        (local) => port.postMessage({ id, local } satisfies MediaReport),
        (error: unknown) => port.postMessage({ id, error: String(error) } satisfies MediaReport)
      )
      return
    }
    const echo = echoes.get(id)
    if (echo === undefined) return
    if (command.type === 'echo') {
      echo.on = command.on
      return
    }
    echoes.delete(id)
    echo.close().catch(() => undefined)
  })
}

if (parentPort !== null) serve(parentPort)
