// The bundle of the core without what it does: what importing takes at least.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const bundle = new URL('../../packages/core/dist/bundle/', import.meta.url)

/**
 * Writes two copies of the bundle, with its files, imports and exports: in `unrun` all of its code stands in a function
 * that nobody calls, in `empty` there is none. Calls `work` with the address of each, and removes them.
 */
export async function withUnrunBundles(work) {
  // Here, the packages that the core imports are found.
  const folder = await mkdtemp(fileURLToPath(new URL('../node_modules/.unrun-', import.meta.url)))
  try {
    const files = (await readdir(bundle)).filter((file) => file.endsWith('.js'))
    await mkdir(`${folder}/unrun`)
    await mkdir(`${folder}/empty`)
    for (const file of files) {
      const text = await readFile(new URL(file, bundle), 'utf8')
      await writeFile(`${folder}/unrun/${file}`, withoutRunning(text, false))
      await writeFile(`${folder}/empty/${file}`, withoutRunning(text, true))
    }
    await writeFile(`${folder}/package.json`, '{ "type": "module" }')
    return await work({ unrun: `${folder}/unrun/index.js`, empty: `${folder}/empty/index.js` })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The text of a module that imports and exports the same, and does nothing. */
function withoutRunning(text, isEmpty) {
  const imports = text.match(/^import .*?;$/gms) ?? []
  const [exported, names] = /^export \{([^}]*)\};$/m.exec(text) ?? []
  // A module that only exports what another one does.
  if (exported === undefined) return text
  const code = [...imports, exported].reduce((rest, part) => rest.replace(part, ''), text)
  const nothing = names
    .split(',')
    .map((name) => `nothing as ${name.trim().split(' as ').at(-1)}`)
    .join(', ')
  return [
    ...imports,
    isEmpty ? '' : `function unrun(load) {${code.replaceAll('import(', 'load(')}}`,
    'const nothing = undefined',
    `export { ${nothing} }`
  ].join('\n')
}
