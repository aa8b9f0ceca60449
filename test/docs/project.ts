import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runNode } from '../support/node.js'
import { root } from './documents.js'

const temporary = join(root, 'test/build')
await mkdir(temporary, { recursive: true })

/** A project of a reader: the packages of this repository and of the examples, installed. */
export async function consumer(t: { teardown(fn: () => unknown): void }): Promise<string> {
  const folder = await mkdtemp(join(temporary, 'readme-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const from of ['test', 'examples/fastify', 'examples/express', 'examples/postgres-store']) {
    const modules = join(root, from, 'node_modules')
    for (const entry of await readdir(modules)) {
      if (entry.startsWith('.')) continue
      const names = entry.startsWith('@')
        ? (await readdir(join(modules, entry))).map((name) => join(entry, name))
        : [entry]
      for (const name of names) {
        const target = join(folder, 'node_modules', name)
        await mkdir(dirname(target), { recursive: true })
        await symlink(join(modules, name), target).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error
        })
      }
    }
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}

/** What the compiler of this repository says about the modules of a folder. */
export async function compile(folder: string, options: object = {}): Promise<string> {
  await cp(join(root, 'tsconfig.base.json'), join(folder, 'base.json'))
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
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: './base.json', compilerOptions, include: ['*.ts', '*.tsx', '*.cjs'] })
  )
  const { stdout, stderr } = await runNode([
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    folder
  ]).catch((error: { stdout: string; stderr: string }) => error)
  return stdout + stderr
}

/** Asks until the server is there. */
export async function answerOf(url: string, limitMs = 30_000): Promise<Response> {
  const deadline = performance.now() + limitMs
  for (;;) {
    try {
      return await fetch(url)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
