// Has a test run on the sources in the folder that MUTATION_SOURCES names, instead of what is built: nothing in
// the tree is ever changed. Its children inherit it.
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

// The thread of the hooks loads this file too.
if (isMainThread) register(import.meta.url)

export async function load(url, context, nextLoad) {
  const [, name, path] = /\/packages\/(core|fastify|express)\/dist\/esm\/(.+\.js)$/.exec(url) ?? []
  if (name === undefined) return nextLoad(url, context)
  const source = await readFile(`${process.env.MUTATION_SOURCES}/${name}/${path}`, 'utf8')
  return { format: 'module', source, shortCircuit: true }
}
