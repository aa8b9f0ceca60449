// The types of the modules that the page imports. dialpad.js serves them at these addresses.

declare module '*/gateway.js' {
  export const gateway: { addresses: string[]; domain: string; iceServers: string[]; caller: string }
}

declare module '*/token-source/index.js' {
  export * from '@bandwidth-token/browser'
}

declare module '*/sdk/bw_webrtc_sdk.js' {
  import type { BandwidthUA as Attachable } from '@bandwidth-token/browser'

  // The SDK's own declarations use `any`.
  export interface BandwidthUA extends Attachable {
    setServerConfig(addresses: string[], domain: string, iceServers: string[]): void
    setAccount(user: string, displayName: string, password: string): void
    init(): void
  }
  export const BandwidthUA: new () => BandwidthUA
}
