import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../processes/child.js'
import type { KeyedCertificate } from './certificates.js'
import type { Teardown } from './teardown.js'

/** A real nginx on a port of its own. It ends with the test. `server` is its block, with the paths of these names. */
export async function startNginx(
  t: Teardown,
  certificate: KeyedCertificate,
  server: (port: number, cert: string, key: string) => string
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'))
  const port = await freePort()
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await Promise.all([writeFile(cert, certificate.cert), writeFile(key, certificate.key)])
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`
  )
  const config = `pid ${folder}/nginx.pid;
events {}
http { access_log off; ${paths.join(' ')}
${server(port, cert, key)} }`
  await writeFile(join(folder, 'nginx.conf'), config)

  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;']
  const child = spawn('/usr/sbin/nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill()
    await exited
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  })
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`nginx did not start: ${log}`)
    return accepts(port)
  }, 'nginx listens')
  return port
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
