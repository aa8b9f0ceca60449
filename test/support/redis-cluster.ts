import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { until } from '../processes/child.js'
import { freePort } from './free-port.js'
import { RedisServer } from './redis-server.js'
import type { Teardown } from './teardown.js'

/** One master of a cluster: its process, a client without restrictions, and its id. */
export interface Node {
  server: RedisServer
  readonly admin: Redis
  readonly id: string
}

/** A real cluster of three masters. It ends with the test. */
export async function startRedisCluster(t: Teardown): Promise<[Node, Node, Node]> {
  const servers = [await startNode(t), await startNode(t), await startNode(t)]
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
  await redisCli('--cluster', 'create', ...addresses, '--cluster-yes')
  const nodes = await Promise.all(
    servers.map(async (server) => {
      const admin = new Redis(server.url).on('error', () => {})
      t.teardown(() => admin.disconnect())
      return { server, admin, id: String(await admin.cluster('MYID')) }
    })
  )
  await wellness(nodes)
  return nodes as [Node, Node, Node]
}

/** Waits until every node sees all others, and every slot belongs to a live node. */
export async function wellness(nodes: readonly Node[]): Promise<void> {
  for (const { admin } of nodes) {
    await until(async () => {
      const info = String(await admin.cluster('INFO'))
      return info.includes('cluster_slots_ok:16384') && info.includes(`cluster_known_nodes:${nodes.length}`)
    }, 'the cluster is well')
  }
}

/** Waits until these nodes agree that one has failed. */
export async function failure(witnesses: readonly Node[]): Promise<void> {
  for (const { admin } of witnesses) {
    const hasFailed = async () => !/cluster_slots_fail:0\b/.test(String(await admin.cluster('INFO')))
    await until(hasFailed, 'the node has failed')
  }
}

/** A server that can join a cluster. It keeps its place there when it is restarted. */
export async function startNode(t: Teardown): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-node-'))
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const settings = {
    '--cluster-enabled': 'yes',
    '--cluster-node-timeout': '1000',
    // If a node dies, the others go on.
    '--cluster-require-full-coverage': 'no',
    '--repl-diskless-sync-delay': '0',
    '--dir': folder
  }
  return RedisServer.start(t, Object.entries(settings).flat(), await nodePort())
}

/** Adds a replica of a node, and waits until it has all data of the node. */
export async function addReplica(t: Teardown, node: Node): Promise<RedisServer> {
  const replica = await startNode(t)
  const own = `127.0.0.1:${replica.port}`
  const anyNode = `127.0.0.1:${node.server.port}`
  await redisCli('--cluster', 'add-node', own, anyNode, '--cluster-slave', '--cluster-master-id', node.id)
  await until(
    async () => /slave0:.*state=online/.test(await node.admin.info('replication')),
    'the replica is in step'
  )
  return replica
}

/** The node that has a key. */
export async function nodeOf(nodes: readonly Node[], key: string): Promise<Node> {
  const [first] = nodes as [Node]
  const slot = Number(await first.admin.cluster('KEYSLOT', key))
  const ranges = await first.admin.cluster('SLOTS')
  const [, , master] = ranges.find(([from, to]) => from <= slot && slot <= to) ?? []
  return nodes.find(({ id }) => id === master?.[2]) as Node
}

async function redisCli(...args: string[]): Promise<void> {
  await promisify(execFile)('redis-cli', args)
}

/** A free port whose bus, 10,000 above, is in range. */
async function nodePort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port <= 55_535) return port
  }
}
