import { fileURLToPath } from 'node:url'
import fastifyAutoload from '@fastify/autoload'
import Fastify from 'fastify'

const folder = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url))

export const app = Fastify()

await app.register(fastifyAutoload, { dir: folder('plugins') })
await app.register(fastifyAutoload, { dir: folder('routes') })
