import type { BandwidthListeners, BandwidthSession, BandwidthUA } from '@bandwidth-token/browser'
import { WebSocket } from 'ws'
import type { Teardown } from '../support/teardown.js'
import { type Gateway, SDP } from './gateway.js'
import type { Page } from './page.js'

/** What the SDK itself declares is `any`; this is what the tests use of it. */
export interface RealUA extends BandwidthUA {
  setServerConfig(addresses: string[], domain: string, iceServers: unknown[]): void
  setAccount(user: string, displayName: string, password: string): void
  init(): void
  deinit(): void
}

/** A microphone that nobody speaks into. */
export function microphone() {
  const track = {
    kind: 'audio',
    readyState: 'live',
    stop() {
      track.readyState = 'ended'
    }
  }
  const tracks = [track]
  return {
    getTracks: () => tracks,
    getAudioTracks: () => tracks,
    getVideoTracks: () => [],
    get active() {
      return track.readyState === 'live'
    }
  }
}

/** As much of WebRTC as the SDK touches: no media flows in Node. */
class PeerConnection extends EventTarget {
  iceGatheringState = 'complete'
  iceConnectionState = 'new'
  signalingState = 'stable'
  localDescription: unknown
  addTrack() {}
  getSenders() {
    return []
  }
  getTransceivers() {
    return []
  }
  close() {}
  async createOffer() {
    return { type: 'offer', sdp: SDP }
  }
  async setLocalDescription(description: unknown) {
    this.localDescription = description
  }
  async setRemoteDescription() {}
}

class SessionDescription {
  constructor(init: object) {
    Object.assign(this, init)
  }
}

const define = (name: string, value: unknown) =>
  Object.defineProperty(globalThis, name, { configurable: true, writable: true, value })
define('navigator', {
  userAgent: 'Chrome/120',
  mediaDevices: { getUserMedia: async () => microphone() }
})
define('WebSocket', WebSocket)
define('RTCPeerConnection', PeerConnection)
define('RTCSessionDescription', SessionDescription)

const sdk = (await import('@bandwidth/bw-webrtc-sdk')) as { BandwidthUA: new () => RealUA }

/** The real agent, which remembers what it was given. */
export class Agent extends sdk.BandwidthUA {
  given: Required<BandwidthListeners> | undefined
  /** What the SDK would have printed. */
  readonly printed: string[] = []
  /** Calls of its methods in their order. */
  readonly steps: string[] = []

  override setListeners(listeners: Required<BandwidthListeners>): void {
    this.given = listeners
    super.setListeners(listeners)
  }

  override setOAuthToken(token: string): void {
    this.steps.push(`token ${token}`)
    queueMicrotask(() => this.steps.push('a turn'))
    super.setOAuthToken(token)
  }

  override call(...args: Parameters<BandwidthUA['call']>): BandwidthSession {
    this.steps.push(`call ${args[0]}`)
    return super.call(...args)
  }
}

/** The SDK has but one inner agent: each test starts it anew. */
export function createAgent(t: Teardown, page: Page, gateway: Gateway): Agent {
  Object.assign(page.window, { RTCPeerConnection: PeerConnection })
  const agent = new Agent()
  // Its own logger is the console, and is one for all agents.
  agent.setBWLogger((...message) => agent.printed.push(message.map(String).join(' ')))
  agent.setServerConfig([gateway.address], 'gateway.example', [])
  agent.setAccount('anonymous', 'Anonymous', '')
  t.teardown(() => agent.deinit())
  return agent
}
