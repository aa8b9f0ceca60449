import { TokenProvider } from '@bandwidth-token/core'
import {
  type ObservableProvider,
  type ObserveProviderOptions,
  observeProvider
} from '@bandwidth-token/core/opentelemetry'

const options: ObserveProviderOptions = { name: 'webrtc', account: 'user-1' }
export const stop: () => void = observeProvider(new TokenProvider(), options)
const like: ObservableProvider = { status: () => ({ state: 'empty', expiresInMs: undefined }) }
observeProvider(like)

// @ts-expect-error: no provider
observeProvider({})
// @ts-expect-error: a misspelt option
observeProvider(like, { nmae: 'webrtc' })
