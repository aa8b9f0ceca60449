import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** The Redis at an address; without one, a private Redis that ends with this process. @param {string} [url] */
export async function startRedis(url) {
  const own = url ? undefined : await startOwn()
  const client = new Redis(url || own?.url || '').on('error', () => {})
  try {
    await client.ping() // ioredis tries for a while to connect.
  } catch {
    throw new Error(url ? 'No Redis answers at REDIS_URL.' : 'The Redis of this example did not start.')
  } finally {
    client.disconnect()
  }
  return { url: url || own?.url, isOwn: own !== undefined, stop: () => own?.stop() }
}

/** It keeps nothing on disk and listens on a socket file, where nobody else finds it. */
async function startOwn() {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  const socket = join(folder, 'redis.sock')
  const settings = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no'
  ]
  const server = spawn('redis-server', settings, { stdio: 'ignore' })
  process.once('exit', () => {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await once(server, 'spawn').catch(() => {
    throw new Error('This example needs Redis: install redis-server, or set REDIS_URL to one that you have.')
  })
  return { url: socket, stop: () => server.kill() }
}
