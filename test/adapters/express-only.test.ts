import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { bandwidthToken } from '@bandwidth-token/express'
import express from 'express'
import t, { type Test } from 'tap'
import { type Endpoint, startEndpoint } from '../support/endpoint.js'

const options = ({ tokenUrl }: Endpoint) => ({ clientId: 'client', clientSecret: 'secret', tokenUrl })

async function listen(t: Test, app: express.Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('closes the provider it has made, which the middleware shows', async (t) => {
  const endpoint = await startEndpoint(t)
  const middleware = bandwidthToken({ ...options(endpoint), authorize: () => true })
  await middleware.provider.warmUp()
  t.equal(endpoint.count, 1)
  await middleware.close()
  await t.rejects(middleware.provider.getToken(), { code: 'ERR_BANDWIDTH_TOKEN_CLOSED' })
})

t.test('is harmless when it is met twice, and names the fix when another one has its name', async (t) => {
  const endpoint = await startEndpoint(t)
  const make = () => bandwidthToken({ ...options(endpoint), authorize: () => true })
  const middleware = make()
  const other = make()
  t.teardown(() => Promise.all([middleware.close(), other.close()]))

  const twice = await listen(t, express().use(middleware).use(middleware))
  t.equal((await fetch(`${twice}/bandwidth/token`)).status, 200)
  t.equal((await fetch(`${twice}/bandwidth/token`, { method: 'POST' })).status, 404, 'other methods go on')

  const app = express().use(middleware).use(other)
  app.use(((error, _req, res, _next) => {
    res.status(error.status).send(error.message)
  }) as express.ErrorRequestHandler)
  const both = await listen(t, app)
  const refusal = await fetch(`${both}/elsewhere`)
  t.equal(refusal.status, 500)
  t.match(await refusal.text(), /decorateAs/)
})
