import { bandwidthToken } from '@bandwidth-token/express'
import express from 'express'
import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import { isSignedIn, userOf } from './your-app.js'

export const app = express()
export const tokens = bandwidthToken({ authorize: isSignedIn })

app.use(
  '/bandwidth/token',
  rateLimit({
    limit: 10,
    windowMs: 60_000,
    keyGenerator: (req) => userOf(req) ?? ipKeyGenerator(req.ip ?? '')
  })
)
app.use(tokens)
