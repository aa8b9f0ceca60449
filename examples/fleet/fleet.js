import cluster from 'node:cluster'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startEmulator } from '@bandwidth-token/emulator'
import { startRedis } from './redis.js'

const MEMBERS = [1, 2, 3, 4]
const host = '127.0.0.1'
const port = wholeNumber('PORT', 3000, 0, 65535)
const expiresIn = wholeNumber('EXPIRES_IN', 20, 5, 600)

const redis = await startRedis(process.env.REDIS_URL).catch(({ message }) => fail(message))
const emulator = await startEmulator({ expiresIn })

// What all members of a fleet have in common. In production it comes from where your secrets are.
const environment = {
  HOST: host,
  PORT: port,
  BW_TOKEN_URL: emulator.tokenUrl,
  BW_CLIENT_ID: emulator.clientId,
  BW_CLIENT_SECRET: emulator.clientSecret,
  BANDWIDTH_STORE_KEYS: randomBytes(32).toString('base64url'),
  REDIS_URL: redis.url
}

/** Starts a process of its own. All of them listen on one port, and take turns. */
const start = (/** @type {number} */ number) =>
  cluster.fork({ ...environment, MEMBER: number }).on('exit', (code, signal) => {
    if (isStopping) return
    // Somebody has killed it: the next one finds the fleet's token and makes no request.
    if (signal) start(number)
    else giveUp(`Member ${number} ended with code ${code}.`)
  })

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop)

cluster.setupPrimary({ exec: fileURLToPath(new URL('member.js', import.meta.url)) })
cluster.once('message', (_member, failure) => giveUp(failure))
cluster.once('listening', (_member, address) => {
  console.log(`
Four members take turns at http://${host}:${address.port}
They share one token through ${redis.isOwn ? 'a Redis that this example has started, and ends' : 'the Redis of REDIS_URL'}.
Tokens live ${expiresIn} s. They come from an emulator, which tells what it was asked:

curl -s ${emulator.origin}/_emulator/received
`)
})
for (const number of MEMBERS) start(number)

async function stop() {
  if (isStopping) return
  isStopping = true
  const members = Object.values(cluster.workers ?? {}).flatMap((member) => member ?? [])
  for (const member of members) member.process.kill('SIGTERM')
  await Promise.all(members.map((member) => once(member, 'exit')))
  await emulator.close()
  redis.stop()
}

/** @param {string} message */
function giveUp(message) {
  if (!isStopping) console.error(message)
  process.exitCode = 1
  stop()
}

/** @param {string} name @param {number} fallback @param {number} least @param {number} most */
function wholeNumber(name, fallback, least, most) {
  const text = process.env[name] || String(fallback)
  if (/^\d{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text)
  return fail(`${name} must be a whole number from ${least} to ${most}.`)
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message)
  process.exit(1)
}
