import type { AccessToken, TokenProviderLike } from '@bandwidth-token/core'
import { TokenProvider } from '@bandwidth-token/core'
import bandwidthTokenDefault, {
  type BandwidthTokenMiddleware,
  type BandwidthTokenOptions,
  bandwidthToken
} from '@bandwidth-token/express'
import express from 'express'

const app = express()

app.use(bandwidthToken({ authorize: (req) => req.get('x-user') === 'alice', account: (req) => req.hostname }))
app.use('/two', bandwidthTokenDefault({ authorize: async (req) => req.ip !== undefined, path: '/token' }))
app.use(bandwidthToken({ provider: new TokenProvider(), path: false }))

app.get('/call', async (req, res) => {
  const token = await req.bandwidthToken()
  const typed: AccessToken = token
  res.json({ expiresIn: typed.expiresIn })
  // @ts-expect-error: the token is not `any`
  token.nothing
})

const options: BandwidthTokenOptions = { authorize: (req) => req.path === '/', allowedOrigins: [] }
const middleware: BandwidthTokenMiddleware = bandwidthToken(options)
export const provider: TokenProvider = middleware.provider
export const closed: Promise<void> = middleware.close()

// @ts-expect-error: the request is not `any`
bandwidthToken({ authorize: (req) => req.nothing })
// @ts-expect-error: a user is not a yes
bandwidthToken({ authorize: (req) => req.get('x-user') })
// @ts-expect-error: a misspelt option
bandwidthToken({ authorize: () => true, allowedOrigin: [] })

// What start-up refuses.
// @ts-expect-error: nobody says who may have a token
bandwidthToken({})
// @ts-expect-error: nor here
bandwidthToken({ path: '/token', clientId: 'id', clientSecret: 'secret' })
// @ts-expect-error: two sources of credentials
bandwidthToken({
  authorize: () => true,
  clientId: 'id',
  credentials: () => ({ clientId: 'a', clientSecret: 'b' })
})
// @ts-expect-error: the provider has options of its own
bandwidthToken({ authorize: () => true, provider: new TokenProvider(), timeoutMs: 1_000 })
// @ts-expect-error: credentials, too
bandwidthToken({ authorize: () => true, provider: new TokenProvider(), clientId: 'id' })
// @ts-expect-error: two middlewares would answer at one path
bandwidthToken({ authorize: () => true, decorateAs: 'other' })

// What it takes.
const perhaps: { provider?: TokenProviderLike } = {}
bandwidthToken({ authorize: () => true, ...perhaps })
bandwidthToken({ authorize: () => true, provider: perhaps.provider })
bandwidthToken({ path: false })
bandwidthToken({ path: process.env['NO_ROUTE'] ? false : '/token', authorize: () => true })
bandwidthToken({ path: false, decorateAs: 'other', authorize: (req) => req.path === '/' })
bandwidthToken({ authorize: () => true, decorateAs: 'other', path: '/other' })
bandwidthToken({ authorize: () => true, decorateAs: 'bandwidthToken' })
bandwidthToken({ authorize: () => true, path: process.env['TOKEN_PATH'], logger: console })
bandwidthToken({ authorize: () => true, provider: new TokenProvider(), logger: console })
bandwidthToken({
  authorize: (req) => req.path === '/',
  credentials: async (account) => ({ clientId: account, clientSecret: 'secret' })
})
bandwidthToken({
  authorize: async (req) => req.ip !== undefined,
  clientId: process.env['CLIENT_ID'],
  clientSecret: process.env['CLIENT_SECRET']
})
