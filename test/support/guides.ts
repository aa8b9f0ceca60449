import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Teardown } from './teardown.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const compiler = join(root, 'node_modules/typescript/lib/tsc.js')

/** The code blocks of a page, in their order. */
export async function codeBlocks(page: string, language: string): Promise<string[]> {
  const text = await readFile(join(root, page), 'utf8')
  const blocks = new RegExp(`^\`\`\`(?:${language})\\n(.*?)^\`\`\`$`, 'gms')
  return [...text.matchAll(blocks)].map(([, code = '']) => code)
}

/** A reader's project of ES modules with what these folders of the workspace have installed. It ends with the test. */
export async function readersProject(t: Teardown, folders: readonly string[] = ['test']): Promise<string> {
  await mkdir(join(root, 'test/build'), { recursive: true })
  const project = await mkdtemp(join(root, 'test/build/guide-'))
  t.teardown(() => rm(project, { recursive: true, force: true }))
  for (const folder of folders) await linkModules(join(root, folder, 'node_modules'), project)
  await writeFile(join(project, 'package.json'), '{ "type": "module" }')
  return project
}

async function linkModules(modules: string, project: string): Promise<void> {
  const entries = (await readdir(modules)).filter((entry) => !entry.startsWith('.'))
  for (const entry of entries) {
    const isScope = entry.startsWith('@')
    const names = isScope ? (await readdir(join(modules, entry))).map((name) => join(entry, name)) : [entry]
    for (const name of names) {
      const target = join(project, 'node_modules', name)
      await mkdir(dirname(target), { recursive: true })
      await symlink(join(modules, name), target).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
    }
  }
}

/** What the compiler of this workspace says about the modules of a project. JavaScript is checked too. */
export async function compileProject(project: string, options: object = {}): Promise<string> {
  await cp(join(root, 'tsconfig.base.json'), join(project, 'base.json'))
  const compilerOptions = {
    composite: false,
    declaration: false,
    sourceMap: false,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    noUnusedLocals: false,
    noPropertyAccessFromIndexSignature: false,
    typeRoots: [join(root, 'node_modules/@types')],
    ...options
  }
  const include = ['**/*.ts', '**/*.tsx', '**/*.js']
  const config = { extends: './base.json', compilerOptions, include, exclude: ['node_modules', 'dist'] }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [compiler, '-p', project]).catch(
    (error: { stdout: string; stderr: string }) => error
  )
  return stdout + stderr
}
