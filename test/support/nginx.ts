import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyedCertificate } from './certificates.js'
import { startDaemon } from './daemon.js'
import { freePort } from './free-port.js'
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
  await startDaemon(t, folder, ['/usr/sbin/nginx', ...args], () => accepts(port))
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
