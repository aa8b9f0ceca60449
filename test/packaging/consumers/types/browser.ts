import {
  type BandwidthPhone,
  type BandwidthSession,
  type BandwidthUA,
  createTokenSource,
  type PageToken,
  type TokenSourceError,
  type TokenSourceOptions
} from '@bandwidth-token/browser'

// The SDK itself declares no more than `any`.
const ua = JSON.parse('{}')
declare const typed: BandwidthUA

export async function dial(): Promise<BandwidthSession> {
  const options: TokenSourceOptions = { url: '/token', credentials: 'include', headers: { 'x-csrf': 'a' } }
  const source = createTokenSource(options)
  createTokenSource({ fetch, headers: new Headers() })
  createTokenSource({ fetch: (url, init) => fetch(url, { ...init, priority: 'high' }) })
  const token: PageToken = await source.getToken()
  // @ts-expect-error: the token is not `any`
  token.nothing
  // @ts-expect-error: a misspelt option
  createTokenSource({ urll: '/token' })
  // @ts-expect-error: no way to send cookies
  createTokenSource({ credentials: 'all' })

  const leave = source.subscribe((event) => {
    if (event.type === 'error') show(event.error, event.retryInMs)
    if (event.type === 'refused') event.replacedBy?.muteAudio(true)
    // @ts-expect-error: only errors are tried again
    event.retryInMs
  })
  leave()

  const phone: BandwidthPhone = source.attach(ua, {
    callConfirmed: (session, message, cause) => `${session.duration()} ${message?.status_code} ${cause}`,
    callTerminated: async (_session, message) => void message?.status_code
  })
  // @ts-expect-error: a misspelt listener
  source.attach(typed, { callTerminate: () => {} })
  // @ts-expect-error: no agent
  source.attach({ call() {} })
  const session = await phone.call('+15551234567', ['X-A: b'], { mediaStream: new MediaStream() })
  // @ts-expect-error: the session is not `any`
  session.nothing
  phone.detach()
  source.invalidate()
  source.close()
  return session
}

function show(error: TokenSourceError, retryInMs: number): string {
  // @ts-expect-error: no such code
  if (error.code === 'ERR_BANDWIDTH_TOKEN_NOTHING') return ''
  return `${error.code} ${error.status} ${error.retryAfter} ${retryInMs}`
}
