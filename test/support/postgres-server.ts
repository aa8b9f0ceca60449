import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Teardown } from './teardown.js'

const run = promisify(execFile)

/** A real PostgreSQL on its own socket, and the settings with which `pg` connects. It ends with the test. */
export async function startPostgres(t: Teardown): Promise<{ host: string; user: string; database: string }> {
  const bin = await binaries()
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  const as = await unprivileged()
  if ('uid' in as) await chown(folder, as.uid, as.gid)
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const data = join(folder, 'data')
  const init = [
    '--pgdata',
    data,
    '--username',
    'postgres',
    '--auth',
    'trust',
    '--encoding',
    'UTF8',
    '--no-sync'
  ]
  await run(join(bin, 'initdb'), [...init, '--locale', 'C'], { cwd: folder, ...as })

  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...as }
  )
  const exited = once(server, 'exit')
  // Immediate shutdown: it does not wait for clients.
  const kill = () => server.kill('SIGQUIT')
  process.once('exit', kill)
  t.teardown(async () => {
    process.off('exit', kill)
    kill()
    await exited
  })
  let log = ''
  for await (const chunk of server.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    log += chunk
    if (log.includes('ready to accept connections')) break
  }
  if (server.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`)
  server.stderr.resume()
  return { host: folder, user: 'postgres', database: 'postgres' }
}

/** Debian's folder for the programs. It is not in PATH. */
async function binaries(): Promise<string> {
  const root = '/usr/lib/postgresql'
  const [newest] = (await readdir(root)).sort((a, b) => Number(b) - Number(a))
  return join(root, newest ?? '', 'bin')
}

/** CI runs as root, and PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ uid: number; gid: number } | Record<never, never>> {
  if (process.getuid?.() !== 0) return {}
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}
