import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { startFullBacklog } from '../support/full-backlog.js'
import { rejection, until } from '../support/outcomes.js'
import { VirtualClock } from '../support/virtual-clock.js'

delete process.env['BW_TOKEN_URL']

/** A provider with an agent of its own; time stands still, and only what closes ends anything. */
function closable(t: Test, tokenUrl: string, options: Omit<TokenProviderOptions, 'credentials'> = {}) {
  const clock = new VirtualClock()
  const provider = new TokenProvider({
    clientId: 'client',
    clientSecret: 'secret',
    tokenUrl,
    clock,
    timeoutMs: 60_000,
    deadlineMs: 120_000,
    ...options
  } as TokenProviderOptions)
  t.teardown(() => provider.close())
  return { clock, provider }
}

/** Sockets that this process has, connected or not. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP(Socket|Connect)|TLS)Wrap$/.test(name))
    .length
}

/** Closes while a caller waits, and fails unless he is told and nothing is left. */
async function closesCleanly(
  t: Test,
  { clock, provider }: ReturnType<typeof closable>,
  pending: Promise<unknown>
) {
  const error = rejection(pending)
  await provider.close()
  t.equal((await error)['code'], 'ERR_BANDWIDTH_TOKEN_CLOSED')
  t.equal(clock.timers.size, 0, 'no timer')
}

/** A server that takes connections and does with them what it is told. */
async function startTcpServer(t: Test, onConnection: (socket: Socket) => void) {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    onConnection(socket.resume())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return { open, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

t.test('close() ends a connection that is still being made', async (t) => {
  const port = await startFullBacklog(t)
  const before = sockets()
  const stage = closable(t, `https://127.0.0.1:${port}/token`)
  const pending = stage.provider.getToken()
  await until(() => sockets() > before)
  await closesCleanly(t, stage, pending)
  await until(() => sockets() === before)
})

t.test('close() ends a handshake', async (t) => {
  const { open, host } = await startTcpServer(t, () => {})
  const stage = closable(t, `https://${host}/token`)
  const pending = stage.provider.getToken()
  await until(() => open.size === 1)
  await closesCleanly(t, stage, pending)
  await until(() => open.size === 0)
})

for (const [phase, beginning] of [
  ['before its headers', ''],
  ['in its headers', 'HTTP/1.1 200 OK\r\nContent-Ty'],
  ['after its headers', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
  ['in its body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"acc']
] as const) {
  t.test(`close() ends a request ${phase}`, async (t) => {
    let isUnderWay = false
    const { open, host } = await startTcpServer(t, (socket) => {
      socket.once('data', () =>
        socket.write(beginning, () => {
          isUnderWay = true
        })
      )
    })
    const stage = closable(t, `http://${host}/token`)
    const pending = stage.provider.getToken()
    await until(() => isUnderWay)
    await closesCleanly(t, stage, pending)
    await until(() => open.size === 0)
  })
}

t.test('close() ends the wait between two attempts', async (t) => {
  const server = await startEndpoint(t, answerWith(503))
  const stage = closable(t, server.tokenUrl)
  const pending = stage.provider.getToken()
  // Two timers: the deadline, and the back-off in place of the timeout of the attempt.
  const backsOff = ({ atMs }: { atMs: number }) => atMs - stage.clock.monotonic() <= 100
  await until(() => [...stage.clock.timers].some(backsOff))
  await closesCleanly(t, stage, pending)
  t.equal(server.requests.length, 1)
})

t.test('close() ends a refresh in the background, and the idle connection before it', async (t) => {
  const { open, host } = await startTcpServer(t, (socket) => {
    let count = 0
    const body = JSON.stringify({ access_token: 'token', expires_in: 600 })
    socket.on('data', () => {
      if (count++ === 0) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    })
  })
  const { clock, provider } = closable(t, `http://${host}/token`)
  const token = await provider.getToken()
  t.equal(open.size, 1, 'kept alive')
  await clock.advance(581_000)
  t.equal(provider.status().state, 'refreshing')
  t.equal(await provider.getToken(), token)
  await provider.close()
  t.equal(clock.timers.size, 0)
  await until(() => open.size === 0)
})

t.test('close() leaves a dispatcher that is not its own to whoever made it', async (t) => {
  const server = await startEndpoint(t)
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  const first = closable(t, server.tokenUrl, { dispatcher })
  await first.provider.getToken()
  let isUnderWay = false
  server.answer = () => {
    isUnderWay = true
  }
  const pending = first.provider.getToken({ account: 'another' })
  await until(() => isUnderWay)
  await closesCleanly(t, first, pending)

  server.answer = grant()
  const second = closable(t, server.tokenUrl, { dispatcher })
  t.equal((await second.provider.getToken()).accessTokenId, 'id-3')
})
