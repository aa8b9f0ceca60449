/** Runs a script on the server that holds its keys. */
export type RunScript = (script: string, keys: readonly string[], args: readonly string[]) => Promise<unknown>

/** The used part of a client or a `Cluster` of `ioredis` or `iovalkey`. */
export interface IoredisClient {
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
  evalsha(...args: never[]): unknown
}

/** The used part of a client, a pool or a cluster of `redis` (node-redis). */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(...args: never[]): unknown
}

/** The used part of a client or a cluster client of `@valkey/valkey-glide`. */
export interface GlideClient {
  customCommand(command: string[]): Promise<unknown>
}

/** What `redisTokenStore()` takes as `client`: a client, a pool or a cluster of any of these packages. */
export type RedisClient = IoredisClient | NodeRedisClient | GlideClient

/** Sends one command, its name first, and returns the reply. */
export type SendCommand = (...command: string[]) => Promise<unknown>

/** A function that runs scripts on a client. The client is recognised by its shape; `undefined` for anything else. */
export function scriptRunner(client: unknown): RunScript | undefined {
  if (has<NodeRedisClient>(client, 'eval', 'evalSha')) {
    return onceConnected(client, (script, keys, args) =>
      client.eval(script, { keys: [...keys], arguments: [...args] })
    )
  }
  if (has<IoredisClient>(client, 'eval', 'evalsha')) {
    return onceConnected(client, (script, keys, args) => client.eval(script, keys.length, ...keys, ...args))
  }
  if (has<GlideClient>(client, 'customCommand')) {
    return commandRunner((...command) => client.customCommand(command))
  }
  return undefined
}

/** A function that runs scripts by sending one command. */
export function commandRunner(sendCommand: SendCommand): RunScript {
  return async (script, keys, args) => sendCommand('EVAL', script, String(keys.length), ...keys, ...args)
}

/** How many commands may wait for a client's first connection: enough for a start, harmless if it never comes. */
const MAX_WAITING = 1_000

/**
 * A client that has lost its connection queues commands and sends them when Redis is back. By then the provider has
 * long gone on without them. So such commands are refused. Before the first connection they may wait, because it is
 * being made.
 */
function onceConnected(client: object, run: RunScript): RunScript {
  let wasConnected = false
  let pending = 0
  return async (...call) => {
    const mayWait = !wasConnected && pending < MAX_WAITING
    if (!mayWait && !isReady(client)) throw new Error('The Redis client is not connected.')
    pending++
    try {
      const reply = await run(...call)
      wasConnected = true
      return reply
    } finally {
      pending--
    }
  }
}

/** node-redis has `isReady` for this, ioredis `status`. Any other client counts as connected. */
function isReady({ isReady = true, status = 'ready' }: { isReady?: unknown; status?: unknown }): boolean {
  return isReady === true && status === 'ready'
}

function has<Shape extends object>(value: unknown, ...methods: (keyof Shape)[]): value is Shape {
  return methods.every((name) => typeof (value as Shape | null | undefined)?.[name] === 'function')
}
