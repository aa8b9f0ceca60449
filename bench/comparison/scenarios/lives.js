import { TokenServer } from '../token-server.js'
import { settlePromises, VirtualTime } from '../virtual-time.js'

const CALLERS = 64
const LIFETIME_MS = 600_000
const SECOND = 1_000
/** 200 calls a second. */
const STEP_MS = 5
const OUTAGE_MS = 3 * SECOND

const time = new VirtualTime()
const { SUBJECTS } = await import('../subjects.js')

// A refresh in the background can outlive its subject's server, and not every package handles its failure.
process.on('unhandledRejection', () => {})

// Rotation and outages of each subject, in virtual time, as a process of its own. All figures are counts.
const isSmoke = process.argv.includes('--smoke')
const results = {}
for (const subject of isSmoke ? SUBJECTS.slice(0, 2) : SUBJECTS) {
  results[subject.name] = {
    ...(await alone(subject, (...stage) => rotation(...stage, isSmoke ? 1 : 3))),
    ...(await alone(subject, outageWithToken)),
    ...(await alone(subject, outageWithoutToken))
  }
}
time.end()
process.stdout.write(JSON.stringify(results), () => process.exit())

async function alone(subject, work) {
  const server = await TokenServer.start()
  const { getToken, close } = await subject.open(server.credentials)
  try {
    return await work(server, getToken)
  } finally {
    await close?.()
    await server.close()
  }
}

/** 64 callers a second, for some lives of a token. */
async function rotation(server, getToken, count) {
  await getToken()
  let heldUp = 0
  let dying = 0
  const lastServedMs = new Map()
  const endMs = Date.now() + count * LIFETIME_MS + SECOND
  while (Date.now() < endMs) {
    await time.pass(SECOND, server)
    let served = 0
    const tokens = Array.from({ length: CALLERS }, () =>
      getToken().then((token) => {
        served++
        return token
      })
    )
    await settlePromises()
    heldUp += CALLERS - served
    await time.settle(server)
    const now = Date.now()
    for (const token of await Promise.all(tokens)) {
      if (server.expiresAtMs.get(token) - now < 10 * SECOND) dying++
      lastServedMs.set(token, now)
    }
  }
  // The last token is still in use, and the extra ones of a burst were never handed out a second later.
  const used = [...lastServedMs]
    .slice(0, -1)
    .map(([token, ms]) => (ms - server.expiresAtMs.get(token) + LIFETIME_MS) / SECOND)
    .filter((seconds) => seconds > 1)
  return {
    heldUp,
    dying,
    requestsPerLife: server.requests / (used.length + 1),
    lifeUsedS: used.length === 0 ? undefined : Math.round(Math.min(...used))
  }
}

/** The endpoint fails from a minute on. Counts what happens within 3 s of the first request that fails. */
async function outageWithToken(server, getToken) {
  const token = await getToken()
  await time.pass(60 * SECOND, server)
  server.isDown = true
  const before = server.requests
  const isValid = () => server.expiresAtMs.get(token) > Date.now()
  let failures = 0
  const call = async () => {
    const done = getToken().catch(() => {
      failures++
    })
    await time.settle(server)
    await Promise.race([done, settlePromises()])
  }
  while (server.requests === before && isValid()) {
    await call()
    await time.pass(SECOND, server)
  }
  if (!isValid()) return { outageFailures: undefined, outageRequests: undefined }
  const endMs = Date.now() + OUTAGE_MS
  while (Date.now() < endMs && isValid()) {
    await call()
    await time.pass(STEP_MS, server)
  }
  return { outageFailures: failures, outageRequests: server.requests - before }
}

/** The endpoint fails for 3 s, and nobody has a token. */
async function outageWithoutToken(server, getToken) {
  server.isDown = true
  let succeededAtMs
  const call = () => {
    getToken().then(
      () => {
        succeededAtMs ??= Date.now()
      },
      () => {}
    )
  }
  const recoveryAtMs = Date.now() + OUTAGE_MS
  let requests = 0
  while (succeededAtMs === undefined && Date.now() < recoveryAtMs + 60 * SECOND) {
    if (Date.now() >= recoveryAtMs && server.isDown) {
      requests = server.requests
      server.isDown = false
    }
    call()
    await time.pass(STEP_MS, server)
  }
  return { coldRequests: requests, recoveryMs: succeededAtMs - recoveryAtMs }
}
