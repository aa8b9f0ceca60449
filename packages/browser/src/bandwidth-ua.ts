// The part of `@bandwidth/bw-webrtc-sdk` 1.1.4 that this package uses or hands on; its own declarations say `any`.

/** The final answer to a call, or what else ended it. */
export interface SipMessage {
  readonly status_code?: number | null
  readonly reason_phrase?: string | null
}

/** A call, as `BandwidthUA` hands it out. */
export interface BandwidthSession {
  terminate(): void
  muteAudio(isMuted: boolean): void
  isAudioMuted(): boolean
  sendDTMF(tone: string | number): void
  sendInfo(body: string, contentType: string, extraHeaders?: string[] | null): void
  hold(isHeld: boolean): Promise<void>
  isLocalHold(): boolean
  isRemoteHold(): boolean
  isOutgoing(): boolean
  wasAccepted(): boolean
  /** Whole seconds since the call was accepted. */
  duration(): number
  getRTCPeerConnection(): RTCPeerConnection
  getRTCLocalStream(): MediaStream | null
  getRTCRemoteStream(): MediaStream | null
}

/** What `BandwidthUA` tells a page. The SDK itself wants all seven. */
export interface BandwidthListeners {
  loginStateChanged?(isLogin: boolean, cause: string): void
  outgoingCallProgress?(session: BandwidthSession, response: SipMessage): void
  callTerminated?(session: BandwidthSession, message: SipMessage | null, cause: string): void
  callConfirmed?(session: BandwidthSession, message: SipMessage | null, cause: string): void
  callShowStreams?(session: BandwidthSession, local: MediaStream, remote: MediaStream): void
  incomingCall?(session: BandwidthSession, invite: SipMessage): void
  callHoldStateChanged?(session: BandwidthSession, isHold: boolean, isRemote: boolean): void
}

/** What a call takes beside its target; the SDK hands it on to JsSIP. */
export interface CallOptions {
  /** A microphone of the page's own choice. It ends with the call. */
  mediaStream?: MediaStream
  [option: string]: unknown
}

/** What a token source needs of Bandwidth's `BandwidthUA`. */
export interface BandwidthUA {
  setOAuthToken(token: string): void
  setListeners(listeners: Required<BandwidthListeners>): void
  setBWLogger(log: (...message: unknown[]) => void): void
  isInitialized(): boolean
  call(to: string, extraHeaders?: string[] | null, options?: CallOptions | null): BandwidthSession
}
