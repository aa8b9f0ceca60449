import type { AccessToken, TokenProvider, TokenProviderLike } from '@bandwidth-token/core'
import { type TokenHandler, tokenHandler } from '@bandwidth-token/web'

interface AppRequest extends Request {
  readonly user: string | undefined
}

export const handler: TokenHandler = tokenHandler({ authorize: ({ headers }) => headers.has('cookie') })
export const own = tokenHandler({ authorize: (request: AppRequest) => request.user !== undefined })

const request = new Request('https://app.example/bandwidth/token')
export const answer: Promise<Response> = handler(request)
export const token: Promise<AccessToken> = handler.tokenFor(request)
export const provider: TokenProvider = handler.provider

const perhaps: { provider?: TokenProviderLike } = {}
tokenHandler({ authorize: () => true, ...perhaps })
tokenHandler({ authorize: () => true, provider: perhaps.provider })
// @ts-expect-error: no authorize
tokenHandler({})
// @ts-expect-error: the app mounts it
tokenHandler({ authorize: () => true, path: '/token' })
// @ts-expect-error: the request of the app has a user
own(request)
