import { readFile } from 'node:fs/promises'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { isSignedIn } from './your-app.js'

const folder = process.env.SECRETS_FOLDER ?? '/run/secrets/bandwidth'
const read = async (/** @type {string} */ name) => (await readFile(`${folder}/${name}`, 'utf8')).trim()

export const app = Fastify()

await app.register(fastifyBandwidthToken, {
  authorize: isSignedIn,
  credentials: async () => ({ clientId: await read('client-id'), clientSecret: await read('client-secret') })
})
