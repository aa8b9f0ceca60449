import { attributes, lineEnd, type MediaLine, mediaLine, readSections, type Section } from './sdp.js'

/** The parts of a browser's offer that are used here. */
export interface Offer {
  readonly remote: Remote
  readonly direction: Direction
  readonly payloads: readonly Payload[]
  readonly mid: string | undefined
  /** The index of the audio among the offered media. All others are declined. */
  readonly index: number
  readonly media: readonly (MediaLine | undefined)[]
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
  /** `undefined` if no port is open: then the call has no sound. */
  readonly port: number | undefined
  readonly ssrc: number
}

type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** One format of the audio, with its attributes as they were offered. */
interface Payload {
  readonly number: string
  readonly codec: string
  readonly lines: readonly string[]
}

const codecs = ['opus', 'pcmu', 'pcma', 'telephone-event']
const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
const opposite: Record<Direction, Direction> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive'
}

/** A port that stands for none: "discard" (RFC 8840 §4.1.1). */
const noPort = 9

/** Reads an offer. `undefined` if it has no audio that can be answered. */
export function readOffer(sdp: string): Offer | undefined {
  const [session, ...sections] = readSections(sdp)
  const media = sections.map(mediaLine)
  const index = media.findIndex((line) => line?.type === 'audio' && line.port !== 0)
  const audio = sections[index]
  const protocol = media[index]?.protocol ?? ''
  if (audio === undefined || !has(audio, 'rtcp-mux') || !/\/TLS\/.*SAVPF?$/.test(protocol)) return undefined
  const remote = readRemote(session, audio)
  const payloads = readPayloads(audio)
  if (remote === undefined || !payloads.some(({ codec }) => codec !== 'telephone-event')) return undefined
  const isDirection = (section: Section) => directions.find((direction) => has(section, direction))
  return {
    remote,
    direction: opposite[isDirection(audio) ?? isDirection(session) ?? 'sendrecv'],
    payloads,
    mid: attributes(audio, 'mid')[0],
    index,
    media
  }
}

/** What is the same for all media may stand in the session's section (RFC 8839 §5.4, RFC 8122 §5). */
function readRemote(session: Section, audio: Section): Remote | undefined {
  const shared = (name: string) => attributes(audio, name)[0] ?? attributes(session, name)[0]
  const ufrag = shared('ice-ufrag')
  const password = shared('ice-pwd')
  const [algorithm, value] = shared('fingerprint')?.split(' ') ?? []
  // The offerer may leave the role to us, or be the DTLS client. It must not be the server (RFC 8842).
  if (!ufrag || !password || !algorithm || !value || shared('setup') === 'passive') return undefined
  return { ufrag, password, fingerprint: { algorithm, value } }
}

function readPayloads(audio: Section): Payload[] {
  const formats = attributes(audio, 'fmtp')
  return attributes(audio, 'rtpmap')
    .map((map) => {
      const [number = '', encoding = ''] = map.split(' ')
      const own = formats.filter((format) => format.startsWith(`${number} `))
      const lines = [`a=rtpmap:${map}`, ...own.map((format) => `a=fmtp:${format}`)]
      return { number, codec: encoding.split('/')[0]?.toLowerCase() ?? '', lines }
    })
    .filter(({ codec }) => codecs.includes(codec))
}

function has(section: Section, attribute: string): boolean {
  return attributes(section, attribute).length > 0
}

/** Whether the gateway sends audio. */
export function sends({ direction }: Offer): boolean {
  return direction === 'sendrecv' || direction === 'sendonly'
}

/** The answer to an offer. `version` counts the answers of a session (RFC 3264 §8). */
export function writeAnswer(offer: Offer, local: Local, session: string, version: number): string {
  const family = local.address.includes(':') ? 'IP6' : 'IP4'
  const lines = [
    'v=0',
    `o=- ${session} ${version} IN ${family} ${local.address}`,
    's=-',
    't=0 0',
    ...(offer.mid === undefined ? [] : [`a=group:BUNDLE ${offer.mid}`]),
    'a=ice-lite',
    ...offer.media.flatMap((media, index) =>
      index === offer.index ? audioLines(offer, local, family) : declined(media)
    )
  ]
  return lines.map((line) => line + lineEnd).join('')
}

function audioLines({ direction, mid, payloads }: Offer, local: Local, family: string): string[] {
  const { address, fingerprint, password, port, ssrc, ufrag } = local
  const numbers = payloads.map(({ number }) => number).join(' ')
  return [
    `m=audio ${port ?? noPort} UDP/TLS/RTP/SAVPF ${numbers}`,
    `c=IN ${family} ${address}`,
    ...(mid === undefined ? [] : [`a=mid:${mid}`]),
    `a=${direction}`,
    'a=rtcp-mux',
    ...payloads.flatMap(({ lines }) => lines),
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${password}`,
    `a=fingerprint:${fingerprint.algorithm} ${fingerprint.value}`,
    'a=setup:passive',
    'a=msid:emulator echo',
    `a=ssrc:${ssrc} cname:emulator`,
    // Without an end of candidates, a browser waits for the one that never comes, and the call goes on.
    ...(port === undefined
      ? []
      : [`a=candidate:1 1 udp ${2 ** 31 - 1} ${address} ${port} typ host`, 'a=end-of-candidates'])
  ]
}

function declined(media: MediaLine | undefined): string[] {
  return [`m=${media?.type ?? 'application'} 0 ${media?.protocol ?? 'UDP'} ${media?.payloads ?? '0'}`]
}
