import { isSignedIn } from '../../your-app.js'

export { default } from '@bandwidth-token/fastify'

/** @type {import('@bandwidth-token/fastify').FastifyBandwidthTokenOptions} */
export const autoConfig = { authorize: isSignedIn }
