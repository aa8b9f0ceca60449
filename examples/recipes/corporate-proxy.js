import fastifyBandwidthToken from '@bandwidth-token/fastify'
import Fastify from 'fastify'
import { EnvHttpProxyAgent } from 'undici'
import { isSignedIn } from './your-app.js'

export const app = Fastify()
const dispatcher = new EnvHttpProxyAgent() // reads HTTPS_PROXY and NO_PROXY

await app.register(fastifyBandwidthToken, { authorize: isSignedIn, dispatcher })
app.addHook('onClose', () => dispatcher.close())
