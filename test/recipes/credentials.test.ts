import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type Answer, answerWith, grant } from '../support/endpoint.js'
import { basic, serve } from './recipe.js'

/** An endpoint that accepts one secret at a time. */
function endpointFor(accepted: { secret: string }): Answer {
  return (exchange) => {
    const expected = `Basic ${btoa(`hgranger:${accepted.secret}`)}`
    const isAccepted = exchange.request.headers.authorization === expected
    return (isAccepted ? grant() : answerWith(401, { error: 'invalid_client' }))(exchange)
  }
}

t.test('token-per-user.js gives each user a separate token', async (t) => {
  const app = await serve(t, 'token-per-user')
  const tokenOf = async (name: string) => (await app.token(basic(name))).json()
  t.match(await tokenOf('alice'), { access_token: 'token-1' })
  t.match(await tokenOf('bob'), { access_token: 'token-2' })
  t.match(await tokenOf('alice'), { access_token: 'token-1' })
  t.equal(app.endpoint.count, 2)
  t.equal((await app.token()).status, 403)
  t.match(await (await app.ask('/status', basic('bob'))).json(), { state: 'fresh' })
})

/** An account that has no token yet: the provider makes a request, with the same credentials. */
const NEXT = { account: 'next' }

t.test('vault.js uses a new secret as soon as Vault has it', async (t) => {
  const accepted = { secret: 'first' }
  const versions = ['first']
  const asked: unknown[] = []
  const vault = createServer(({ method, url, headers }, response) => {
    asked.push([method, url, headers['x-vault-token']])
    const [clientSecret] = versions.length > 1 ? versions.splice(0, 1) : versions
    const body = { data: { data: { clientId: 'hgranger', clientSecret } } }
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  await once(vault, 'listening')
  t.teardown(() => vault.close().closeAllConnections())
  const VAULT_ADDR = `http://127.0.0.1:${(vault.address() as AddressInfo).port}`

  const app = await serve(t, 'vault', {
    answer: endpointFor(accepted),
    env: { VAULT_ADDR, VAULT_TOKEN: 's.token' }
  })
  t.match(await (await app.token(basic())).json(), { access_token: 'token-1' })
  t.strictSame(asked, [['GET', '/v1/secret/data/bandwidth', 's.token']])

  // Bandwidth has the new secret a moment earlier than Vault.
  accepted.secret = 'second'
  versions.push('second')
  t.match(await app.provider.getToken(NEXT), { accessToken: 'token-3' })
  t.equal(asked.length, 3, 'Vault was asked again after the refusal')
})

t.test('secret-file.js reads the secret anew for each request', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'client-id'), 'hgranger\n')
  await writeFile(join(folder, 'client-secret'), 'first\n')
  const accepted = { secret: 'first' }
  const app = await serve(t, 'secret-file', {
    answer: endpointFor(accepted),
    env: { SECRETS_FOLDER: folder }
  })
  t.match(await (await app.token(basic())).json(), { access_token: 'token-1' })

  accepted.secret = 'second'
  await writeFile(join(folder, 'client-secret'), 'second\n')
  t.match(await app.provider.getToken(NEXT), { accessToken: 'token-2' })
})
