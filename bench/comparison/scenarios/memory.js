// Bytes of heap for each cached account, as a process of its own: `node --expose-gc memory.js <accounts>`.
import { TokenProvider } from '@bandwidth-token/core'

const accounts = Number(process.argv[2])
const WARM = 20
let count = 0

const provider = new TokenProvider({
  clientId: 'bench',
  clientSecret: 'secret',
  maxTokens: accounts,
  dispatcher: { request: async () => ({ statusCode: 200, headers: {}, body: body() }) }
})
await fill('warm')
const before = await heap()
await fill('a')
const full = await heap()
await fill('b')
const beyond = await heap()

// The least that it could take: a map of tokens and of when they expire.
const map = new Map()
const beforeMap = await heap()
for (let account = 0; account < accounts; account++) {
  const { access_token } = JSON.parse(answer())
  map.set(`map-${account}`, { token: access_token, usableUntilMs: Date.now() + 0.5 })
}
const withMap = await heap()
process.stdout.write(
  JSON.stringify({
    account: (full - before) / (accounts - WARM),
    beyond: beyond / full,
    entry: (withMap - beforeMap) / map.size
  })
)
await provider.close()

async function fill(prefix) {
  const limit = prefix === 'warm' ? WARM : accounts
  for (let account = 0; account < limit; account++)
    await provider.getToken({ account: `${prefix}-${account}` })
}

async function heap() {
  await new Promise((resolve) => setTimeout(resolve, 20))
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

function answer() {
  count++
  return JSON.stringify({
    access_token: `${count}.`.padEnd(600, 'x'),
    access_token_id: `id-${count}`,
    token_type: 'Bearer',
    expires_in: 600
  })
}

function body() {
  return {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from(answer())
    }
  }
}
