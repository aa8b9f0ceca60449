// Has a test run on the sources in another folder instead of what is built: nothing in the tree is ever changed. The
// address of a test that shares its process names the folder (`?sources=`); for all else, MUTATION_SOURCES does.
// Children of a test inherit this hook.
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

// The thread of the hooks loads this file too.
if (isMainThread) register(import.meta.url)

/** What stands in for a module while tests share a process. */
const STAND_INS = { tap: 'shared-tap.js', 'fast-check': 'quick-fast-check.js' }

export async function resolve(specifier, context, nextResolve) {
  const { search, searchParams, pathname } = new URL(context.parentURL ?? 'file:///')
  const isOfTest = search !== '' && pathname.includes('/test/build/')
  if (isOfTest && (specifier === 'tap' || (specifier === 'fast-check' && searchParams.has('quick')))) {
    return standIn(STAND_INS[specifier] + search)
  }
  const resolved = await nextResolve(specifier, context)
  // An address of its own for each run, so that nothing is left of the last one.
  return search !== '' && /\/(?:test\/build|packages\/\w+\/dist)\//.test(resolved.url)
    ? { ...resolved, url: new URL(search, resolved.url).href }
    : resolved
}

export async function load(url, context, nextLoad) {
  const { pathname, searchParams } = new URL(url)
  const [, name, path] = /\/packages\/(core|fastify|express)\/dist\/esm\/(.+\.js)$/.exec(pathname) ?? []
  if (name === undefined) return nextLoad(url, context)
  const folder = searchParams.get('sources') ?? process.env.MUTATION_SOURCES
  return { format: 'module', source: await readFile(`${folder}/${name}/${path}`, 'utf8'), shortCircuit: true }
}

function standIn(file) {
  return { url: new URL(file, import.meta.url).href, format: 'module', shortCircuit: true }
}
