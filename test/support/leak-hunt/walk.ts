const MAX_OBJECTS = 50_000
/** What a token shows to whoever asks for it. */
const ASKED_FOR: ReadonlySet<PropertyKey> = new Set(['accessToken', 'authorization'])

/** What JavaScript itself brings along holds nothing of ours. */
const BUILT_IN: ReadonlySet<unknown> = new Set(
  Object.getOwnPropertyNames(globalThis)
    .map((name) => Object.getOwnPropertyDescriptor(globalThis, name)?.value)
    .filter((value) => typeof value === 'function')
    .flatMap((value) => [value, value.prototype])
)

/**
 * All the text that can be reached from a value by properties: own and inherited ones, hidden ones, getters, symbols,
 * the entries of collections, bytes, the source of functions. Functions are not called, and a token is not asked for
 * itself.
 */
export function walk(root: unknown): string {
  const { noDeprecation } = process
  // The getters of Node's own objects warn of themselves.
  process.noDeprecation = true
  try {
    return collect(root)
  } finally {
    process.noDeprecation = noDeprecation ?? false
  }
}

function collect(root: unknown): string {
  const texts: string[] = []
  const seen = new Set<unknown>()
  const queue: unknown[] = [root]
  // An array grows while it is walked: the nearest things come first.
  for (const value of queue) {
    if (typeof value === 'string') texts.push(value)
    else if (typeof value === 'symbol') texts.push(String(value))
    if (!isObject(value) || BUILT_IN.has(value) || seen.has(value) || seen.size >= MAX_OBJECTS) continue
    seen.add(value)
    if (typeof value === 'function') texts.push(Function.prototype.toString.call(value))
    if (ArrayBuffer.isView(value)) {
      texts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'))
      continue
    }
    if (value instanceof ArrayBuffer) texts.push(Buffer.from(value).toString('latin1'))
    if (value instanceof Map) for (const [key, entry] of value) queue.push(key, entry)
    if (value instanceof Set) queue.push(...value)
    for (const [key, property] of properties(value)) queue.push(key, property)
  }
  return texts.join('\n')
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Every property on the way to the root of all objects, as the object itself would show it. */
function* properties(object: object): Generator<[PropertyKey, unknown]> {
  for (
    let owner: object | null = object;
    owner !== null && !BUILT_IN.has(owner);
    owner = Object.getPrototypeOf(owner)
  ) {
    for (const key of Reflect.ownKeys(owner)) {
      if (ASKED_FOR.has(key) && isToken(object)) continue
      try {
        yield [key, Reflect.get(owner, key, object)]
      } catch (error) {
        // A getter that throws may say in its error what it would not show.
        yield [key, error]
      }
    }
  }
}

function isToken(object: object): boolean {
  return typeof (object as { toResponse?: unknown }).toResponse === 'function'
}
