import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Each file of a folder, by its path in it, and the files of the folder that it imports, types included. */
export type Imports = ReadonlyMap<string, readonly string[]>

const IMPORT =
  /^(?:import|export)\b[^'"]*?\bfrom\s*'(\.[^']+)'|^import\s*'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'/gm

export function readImports(folder: string): Imports {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts')
  )
  return new Map(
    files.sort().map((file) => {
      const found = [...readFileSync(join(folder, file), 'utf8').matchAll(IMPORT)]
      const paths = found.map(([, from, bare, called]) => (from ?? bare ?? called) as string)
      return [file, paths.map((path) => posix.join(posix.dirname(file), path.replace(/\.js$/, '.ts')))]
    })
  )
}

/**
 * The rooms of the core, from the top down. A room imports from those below it: neither from one above nor from
 * one beside it, on the same line. The last four are at the service of all.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['index.ts', 'adapter.ts', 'testing.ts', 'opentelemetry.ts'],
  ['route', 'send'],
  ['provider.ts'],
  ['account'],
  ['acquisition'],
  ['store', 'endpoint'],
  ['observe'],
  ['failure.ts', 'token'],
  ['support'],
  ['errors.ts']
]

/** The imports of the core that go up or sideways, and the files that stand in no room. */
export function wrongArrows(imports: Imports): string[] {
  return [...imports].flatMap(([file, imported]) => {
    if (floorOf(file) < 0) return [`${file} is in no room`]
    return imported
      .filter((other) => roomOf(other) !== roomOf(file) && floorOf(other) <= floorOf(file))
      .map((other) => `${file} → ${other}`)
  })
}

/** A file's folder, or its name where it is in none. The options and the environment share the provider's room. */
function roomOf(file: string): string {
  const [first = ''] = file.split('/')
  return ['options.ts', 'environment.ts'].includes(first) ? 'provider.ts' : first
}

function floorOf(file: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)))
}

/** A way that leads from a file back to itself, if there is one. */
export function circleIn(imports: Imports): string | undefined {
  const sound = new Set<string>()
  const search = (file: string, way: readonly string[]): string | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file].join(' → ')
    if (sound.has(file)) return undefined
    for (const other of imports.get(file) ?? []) {
      const circle = search(other, [...way, file])
      if (circle !== undefined) return circle
    }
    sound.add(file)
    return undefined
  }
  for (const file of imports.keys()) {
    const circle = search(file, [])
    if (circle !== undefined) return circle
  }
  return undefined
}
