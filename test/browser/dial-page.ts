/// <reference lib="dom" />
// Runs in the page, as it is compiled: what a page does with the SDK and our token source, and a handle for the test.

import * as sdk from '@bandwidth/bw-webrtc-sdk'
import { type BandwidthSession, createTokenSource, type TokenSourceError } from '@bandwidth-token/browser'
import type { RealUA } from './sdk.js'

/** What the test asks of the page. */
export interface DialPage {
  /** What the source told, such as `token <id>`, and what the SDK told, such as `callTerminated 401`. */
  readonly told: string[]
  /** How often the route was asked. */
  readonly asked: number
  /** Waits for the answers to what was asked. */
  settled(): Promise<unknown>
  connect(gatewayUrl: string): void
  /** Resolves to what became of it: `dialled`, or the code of the error. */
  call(): Promise<string>
  hangUp(): void
  /** Resolves to the id of a token, or to the code and the message of the error. */
  getToken(): Promise<string>
  invalidate(): void
  close(): void
  /** Whether media flows in the latest call. */
  isConnected(): boolean
}

declare global {
  var dialPage: DialPage
}

const told: string[] = []
let session: BandwidthSession | undefined
const exchanges: Promise<unknown>[] = []

const { fetch } = globalThis
globalThis.fetch = (...args) => {
  const exchange = fetch(...args)
  exchanges.push(exchange.then((response) => response.clone().text()))
  return exchange
}

const ua = new (sdk as { BandwidthUA: new () => RealUA }).BandwidthUA()
const route = new URL(location.href).searchParams.get('route')
const source = createTokenSource(route === null ? {} : { url: route, credentials: 'include' })
source.subscribe((event) => {
  const { type } = event
  if (type === 'token') told.push(`token ${event.accessTokenId}`)
  else if (type === 'error') told.push(`error ${event.error.code}`)
  else if (type === 'signed-out') told.push(type)
  else {
    session = event.replacedBy ?? event.session
    told.push(`refused ${event.accessTokenId}${event.replacedBy ? ', redialled' : ''}`)
  }
})

const phone = source.attach(ua, {
  loginStateChanged: (_isLogin, cause) => told.push(cause),
  callConfirmed: () => told.push('callConfirmed'),
  callTerminated: (_session, message, cause) => told.push(`callTerminated ${message?.status_code ?? cause}`),
  callShowStreams: (_session, _local, remote) => {
    const audio = document.querySelector('audio')
    if (audio) audio.srcObject = remote
  }
})

const describe = (error: unknown) => {
  const { code, message } = error as TokenSourceError
  return `${code}: ${message}`
}

globalThis.dialPage = {
  told,
  get asked() {
    return exchanges.length
  },
  settled: () => Promise.allSettled(exchanges),
  connect(gatewayUrl) {
    ua.setServerConfig([gatewayUrl], 'localhost', [])
    ua.setAccount('alice', 'Alice', '')
    ua.init()
  },
  async call() {
    try {
      session = await phone.call('+15551234567')
      return 'dialled'
    } catch (error) {
      return describe(error)
    }
  },
  hangUp: () => session?.terminate(),
  getToken: () => source.getToken().then(({ accessTokenId }) => `${accessTokenId}`, describe),
  invalidate: source.invalidate,
  close: source.close,
  isConnected: () => session?.getRTCPeerConnection().connectionState === 'connected'
}
