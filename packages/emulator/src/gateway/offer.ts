import { parse, write } from 'sdp-transform'

/** The parts of a browser's offer that are used here. */
export interface Offer {
  readonly remote: Remote
  readonly direction: Direction
  readonly payloads: readonly Payload[]
  readonly mid: string | undefined
  /** The index of the audio among the offered media. All others are declined. */
  readonly index: number
  readonly media: readonly { readonly type: string; readonly protocol: string; readonly payloads: string }[]
}

/** The browser's ICE credentials and the fingerprint of its DTLS certificate. */
export interface Remote {
  readonly ufrag: string
  readonly password: string
  readonly fingerprint: { readonly algorithm: string; readonly value: string }
}

/** The ICE credentials and the fingerprint of our side, and the address on which it listens. */
export interface Local extends Remote {
  readonly address: string
  readonly port: number
  readonly ssrc: number
}

type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

interface Payload {
  readonly payload: number
  readonly codec: string
  readonly rate?: number
  readonly encoding?: number
  readonly config: string | undefined
}

const codecs = ['opus', 'pcmu', 'pcma', 'telephone-event']
const opposite: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive'
}

/** Reads an offer. `undefined` if it has no audio that can be answered. */
export function readOffer(sdp: string): Offer | undefined {
  const session = parse(sdp)
  const index = session.media.findIndex(({ type, port }) => type === 'audio' && port !== 0)
  const audio = session.media[index]
  if (audio === undefined || audio.rtcpMux === undefined || !/\/TLS\/.*SAVPF?$/.test(audio.protocol)) {
    return undefined
  }
  const { iceUfrag, icePwd, fingerprint, setup, direction = 'sendrecv' } = { ...session, ...audio }
  // The offerer may leave the role to us, or be the DTLS client. It must not be the server (RFC 8842).
  if (iceUfrag === undefined || icePwd === undefined || fingerprint === undefined || setup === 'passive') {
    return undefined
  }
  const payloads = audio.rtp
    .filter(({ codec }) => codecs.includes(codec.toLowerCase()))
    .map((rtp) => ({ ...rtp, config: audio.fmtp.find(({ payload }) => payload === rtp.payload)?.config }))
  if (!payloads.some(({ codec }) => codec !== 'telephone-event')) return undefined
  return {
    remote: {
      ufrag: String(iceUfrag),
      password: String(icePwd),
      fingerprint: { algorithm: fingerprint.type, value: fingerprint.hash }
    },
    direction: opposite[direction],
    payloads,
    mid: audio.mid === undefined ? undefined : String(audio.mid),
    index,
    media: session.media.map(({ type, protocol, payloads = '' }) => ({
      type,
      protocol,
      payloads: `${payloads}`
    }))
  }
}

/** Whether the gateway sends audio. */
export function sends({ direction }: Offer): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

/** The answer to an offer. `version` counts the answers of a session (RFC 3264 §8). */
export function writeAnswer(offer: Offer, local: Local, session: string, version: number): string {
  const { mid, payloads } = offer
  const ipVer = local.address.includes(':') ? 6 : 4
  const audio = {
    type: 'audio',
    port: local.port,
    protocol: 'UDP/TLS/RTP/SAVPF',
    payloads: payloads.map(({ payload }) => payload).join(' '),
    connection: { version: ipVer, ip: local.address },
    ...(mid === undefined ? {} : { mid }),
    direction: offer.direction,
    rtcpMux: 'rtcp-mux' as const,
    rtp: payloads.map(({ config: _, ...rtp }) => rtp),
    fmtp: payloads.flatMap(({ payload, config }) => (config === undefined ? [] : [{ payload, config }])),
    iceUfrag: local.ufrag,
    icePwd: local.password,
    fingerprint: { type: local.fingerprint.algorithm, hash: local.fingerprint.value },
    setup: 'passive' as const,
    msid: [{ id: 'emulator', appdata: 'echo' }],
    ssrcs: [{ id: local.ssrc, attribute: 'cname', value: 'emulator' }],
    candidates: [
      {
        foundation: '1',
        component: 1,
        transport: 'udp',
        priority: 2 ** 31 - 1,
        ip: local.address,
        port: local.port,
        type: 'host'
      }
    ],
    endOfCandidates: 'end-of-candidates' as const
  }
  return write({
    version: 0,
    origin: {
      username: '-',
      sessionId: session,
      sessionVersion: version,
      netType: 'IN',
      ipVer,
      address: local.address
    },
    name: '-',
    timing: { start: 0, stop: 0 },
    icelite: 'ice-lite',
    ...(mid === undefined ? {} : { groups: [{ type: 'BUNDLE', mids: mid }] }),
    media: offer.media.map((media, index) =>
      index === offer.index ? audio : { ...media, port: 0, rtp: [], fmtp: [] }
    )
  })
}
