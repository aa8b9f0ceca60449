import { cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { startEmulator } from '@bandwidth-token/emulator'
import type { Teardown } from './teardown.js'

const original = fileURLToPath(new URL('..', import.meta.resolve('@bandwidth-token/emulator')))

interface EmulatorPackage {
  readonly startEmulator: typeof startEmulator
  /** The file of the command. */
  readonly command: string
}

/** The emulator in a folder where its dependencies are found, but not its optional peer. */
export async function emulatorWithoutMedia(t: Teardown): Promise<EmulatorPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-without-media-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['dist', 'package.json']) {
    await cp(join(original, name), join(folder, name), { recursive: true })
  }
  await mkdir(join(folder, 'node_modules'))
  for (const name of ['jose', 'ws']) {
    await symlink(await realpath(join(original, 'node_modules', name)), join(folder, 'node_modules', name))
  }
  const { startEmulator } = await import(pathToFileURL(join(folder, 'dist/index.js')).href)
  return { startEmulator, command: join(folder, 'dist/cli.js') }
}
