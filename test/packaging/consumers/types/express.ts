import type { AccessToken } from '@bandwidth-token/core'
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
