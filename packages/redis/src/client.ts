/** Runs a script on the server that holds its keys. */
export type RunScript = (script: string, keys: readonly string[], args: readonly string[]) => Promise<unknown>

/** A client or a `Cluster` of `ioredis` or `iovalkey`: what of it is used. */
export interface IoredisClient {
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>
  evalsha(...args: never[]): unknown
}

/** A client, a pool or a cluster of `redis` (node-redis): what of it is used. */
export interface NodeRedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  evalSha(...args: never[]): unknown
}

/** A client or a cluster client of `@valkey/valkey-glide`: what of it is used. */
export interface GlideClient {
  customCommand(command: string[]): Promise<unknown>
}

export type RedisClient = IoredisClient | NodeRedisClient | GlideClient

/** Sends one command, its name first, and returns the reply. */
export type SendCommand = (...command: string[]) => Promise<unknown>

/** How scripts are run by a client, which is recognised by its shape; `undefined` for anything else. */
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

/** How scripts are run by a function that sends one command. */
export function commandRunner(sendCommand: SendCommand): RunScript {
  return async (script, keys, args) => sendCommand('EVAL', script, String(keys.length), ...keys, ...args)
}

/** How many commands may wait for a client's first connection: enough for a start, no matter if it never comes. */
const MAX_WAITING = 1_000

/**
 * A client that lost its connection queues commands and sends them when Redis is back, long after the provider has
 * carried on without it. So they are refused instead. Those before the first connection may wait for it: it is on
 * its way.
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

/** node-redis tells it by `isReady`, ioredis by `status`; one that does not tell decides for itself. */
function isReady({ isReady = true, status = 'ready' }: { isReady?: unknown; status?: unknown }): boolean {
  return isReady === true && status === 'ready'
}

function has<Shape extends object>(value: unknown, ...methods: (keyof Shape)[]): value is Shape {
  return methods.every((name) => typeof (value as Shape | null | undefined)?.[name] === 'function')
}
