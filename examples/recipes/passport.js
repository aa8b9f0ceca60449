import { bandwidthToken } from '@bandwidth-token/express'
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-local'
import { checkPassword } from './your-app.js'

passport.use(
  new Strategy({ usernameField: 'name' }, (name, password, done) => {
    const user = checkPassword({ name, password })
    done(null, user === undefined ? false : { name: user })
  })
)
passport.serializeUser((user, done) => done(null, user.name))
passport.deserializeUser((/** @type {string} */ name, done) => done(null, { name }))

export const app = express()
export const tokens = bandwidthToken({ authorize: (req) => req.isAuthenticated() })

app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }))
app.use(passport.session())
app.use(tokens) // Passport adds `req.isAuthenticated()`, so it comes first.

app.post('/sign-in', express.json(), passport.authenticate('local'), (_req, res) => res.sendStatus(204))
app.post('/sign-out', (req, res, next) => {
  req.logout((error) => (error ? next(error) : res.sendStatus(204)))
})
