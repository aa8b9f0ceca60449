import { bandwidthToken } from '@bandwidth-token/express'
import cors from 'cors'
import express from 'express'
import { isSignedIn } from './your-app.js'

const pages = ['https://calls.example.com']

export const app = express()
export const tokens = bandwidthToken({ authorize: isSignedIn, allowedOrigins: pages })

// The one lets the browser hand over the answer. The other lets the route give one.
app.use(cors({ origin: pages, credentials: true }))
app.use(tokens)
