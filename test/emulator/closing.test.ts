import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { startEmulator } from '@bandwidth-token/emulator'
import t from 'tap'
import { openTokenRequest, requestToken, until } from './helpers.js'

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
  // Run from a folder that finds the package.
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 10_000
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  t.equal(output, 'closed')
  t.equal(code, 0)
})
