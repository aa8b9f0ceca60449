import { once } from 'node:events'
import { connect } from 'node:net'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { until } from '../support/outcomes.js'
import { openTokenRequest, requestToken, run } from './helpers.js'

t.test('frees the port', async (t) => {
  const emulator = await startEmulator()
  await emulator.close()
  await t.rejects(requestToken(emulator))
  const again = await startEmulator({ port: Number(new URL(emulator.origin).port) })
  await again.close()
})

t.test('closes as often as one likes', async () => {
  const emulator = await startEmulator()
  await Promise.all([emulator.close(), emulator.close()])
  await emulator.close()
})

t.test('ends every connection at once, whatever it is waiting for', async (t) => {
  const emulator = await startEmulator()
  emulator.script([{ hang: 'headers' }, { hang: 'body' }, { delayMs: 3_600_000 }, { slowBodyMs: 3_600_000 }])
  const sockets = []
  for (let n = 1; n <= 4; n++) {
    sockets.push(await openTokenRequest(emulator))
    await until(() => emulator.received.length === n)
  }
  const idle = connect(Number(new URL(emulator.origin).port), '127.0.0.1')
  await once(idle, 'connect')
  // An exchange on another connection, so that the server has surely accepted the idle one.
  t.equal((await requestToken(emulator)).status, 200)

  const ended = [...sockets, idle].map((socket) => {
    socket.on('error', () => undefined)
    socket.resume()
    return new Promise((resolve) => socket.on('close', resolve))
  })
  const startedAt = performance.now()
  await emulator.close()
  await Promise.all(ended)
  t.ok(performance.now() - startedAt < 5000)
})

t.test('lets a process exit by itself once it is closed', async (t) => {
  const script = `
    import { startEmulator } from '@bandwidth-token/emulator'
    const emulator = await startEmulator({ latencyMs: 3_600_000 })
    const answer = fetch(emulator.tokenUrl, { method: 'POST' }).catch(() => undefined)
    while (emulator.received.length === 0) await new Promise(setImmediate)
    await emulator.close()
    await answer
    process.stdout.write('closed')`
  t.strictSame(await run(script), { output: 'closed', exitCode: 0 })
})

t.test('lets a process exit by itself once it is closed in the middle of calls', async (t) => {
  const script = `
    import { startEmulator } from '@bandwidth-token/emulator'
    import { chromiumOffer, SipClient, tokenOf } from './sip-client.js'
    const emulator = await startEmulator()
    const { token } = await tokenOf(emulator)
    const client = await SipClient.connect({ teardown() {} }, emulator)
    const orphan = await SipClient.connect({ teardown() {} }, emulator)
    process.stdout.write((await client.call(token)).statuses.join())
    await orphan.call(token)
    orphan.socket.terminate()
    emulator.script([{ on: 'invite', delayMs: 3_600_000 }])
    client.callId = 'rings'
    client.send('INVITE', { token, body: chromiumOffer })
    await client.next()
    await emulator.close()
    process.stdout.write(' closed')`
  t.strictSame(await run(script), { output: '100,180,200 closed', exitCode: 0 })
})
