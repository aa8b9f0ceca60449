import { bandwidthToken } from '@bandwidth-token/express'
import express from 'express'
import helmet from 'helmet'
import { isSignedIn } from './your-app.js'

export const app = express()
export const tokens = bandwidthToken({ authorize: isSignedIn })

app.use(
  helmet({
    contentSecurityPolicy: {
      directives: { connectSrc: ["'self'", 'wss://sbc.webrtc-app.bandwidth.com:10081'] }
    }
  })
)
app.use(tokens)
