import './orphan.js'
import { getEventListeners } from 'node:events'
import { Readable } from 'node:stream'
import { type AccessToken, type GetTokenOptions, TokenProvider } from '@bandwidth-token/core'
import { turns, VirtualClock } from '../support/virtual-clock.js'
import type { MemoryReport } from './memory-report.js'

/** A provider of which everything that it hands out is watched; what it has kept is the line that this writes. */
const { status = 200, characters, rotations = 0, accounts = 0 } = JSON.parse(process.argv[2] ?? '{}')
const AT_ONCE = 250

const clock = new VirtualClock()
clock.settle = () => turns(4)
const { signal } = new AbortController()
let tokens: WeakRef<AccessToken>[] = []
const warnings: string[] = []
let requests = 0
let before = 0

process.on('warning', ({ message }) => warnings.push(message))

const provider = new TokenProvider({
  clientId: 'client',
  clientSecret: 'secret',
  clock,
  dispatcher: {
    async request() {
      // Long, so that it shows if it is kept.
      const token = `${requests++}.`.padEnd(characters, 'x')
      const body = JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 600 })
      return { statusCode: status, headers: {}, body: Readable.from([Buffer.from(body)]) }
    }
  }
})

async function ask(options?: GetTokenOptions): Promise<void> {
  try {
    tokens.push(new WeakRef(await provider.getToken(options)))
  } catch {
    // That is what a provider without an endpoint is for.
  }
}

/** The heap when all that may be collected has been. */
async function heap(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    // A weak reference holds what it was read for until the turn is over.
    await turns(2)
    gc?.()
    tokens = tokens.filter((token) => token.deref() !== undefined)
  }
  return process.memoryUsage().heapUsed
}

/** How many tokens are still there, once `heap()` was asked. */
function kept(): number {
  return new Set(tokens.map((token) => token.deref())).size
}

// One account whose token is used and is replaced behind its users.
for (let rotation = 0; rotation < rotations; rotation++) {
  if (rotation === rotations / 4) before = await heap()
  await ask()
  await clock.advance(585_000)
}

// Accounts without end, each asked for once, by callers who share a signal.
for (let first = 0; first < accounts; first += AT_ONCE) {
  if (first === accounts / 4) before = await heap()
  await Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) => ask({ account: `${first + index}`, signal }))
  )
}

const growth = (await heap()) - before
const open = { growth, kept: kept(), timers: clock.timers.size }
await provider.close()
await heap()
const report: MemoryReport = {
  ...open,
  requests,
  listeners: getEventListeners(signal, 'abort').length,
  warnings,
  keptWhenClosed: kept(),
  timersWhenClosed: clock.timers.size
}
process.stdout.write(`${JSON.stringify(report)}\n`)
