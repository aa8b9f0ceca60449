import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

/** Reads the secret from HashiCorp Vault, of the key-value engine's version 2. */
async function credentials() {
  const response = await fetch(`${process.env.VAULT_ADDR}/v1/secret/data/bandwidth`, {
    headers: { 'X-Vault-Token': process.env.VAULT_TOKEN },
    signal: AbortSignal.timeout(2_000)
  })
  if (!response.ok) throw new Error(`Vault answered ${response.status}.`)
  const { data } = /** @type {{ data: { data: Record<string, string> } }} */ (await response.json())
  const { clientId = '', clientSecret = '' } = data.data
  return { clientId, clientSecret }
}

export const app = Fastify()

await app.register(fastifyBandwidthToken, { authorize: isSignedIn, credentials })
