import { app } from './express-session.js'

// Believes the X-Forwarded headers of nginx on the same machine, and of nobody else.
app.set('trust proxy', 'loopback')

app.get('/address', (req, res) => res.send(req.ip))

export { app, tokens } from './express-session.js'
