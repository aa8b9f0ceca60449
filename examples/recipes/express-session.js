import { bandwidthToken } from '@bandwidth-token/express'
import express from 'express'
import session from 'express-session'
import { checkPassword } from './your-app.js'

export const app = express()
export const tokens = bandwidthToken({ authorize: (req) => req.session.user !== undefined })

app.use(
  session({
    secret: process.env.SESSION_SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, secure: 'auto', sameSite: 'lax' }
  })
)
app.use(tokens)

app.post('/sign-in', express.json(), (req, res, next) => {
  const user = checkPassword(req.body)
  if (user === undefined) return res.sendStatus(401)
  // An id from before the sign-in may be known to others (session fixation).
  return req.session.regenerate((error) => {
    if (error) return next(error)
    req.session.user = user
    return res.sendStatus(204)
  })
})

app.post('/sign-out', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)))
})
