import { type Emulator, type EmulatorOptions, startEmulator } from '@bandwidth-token/emulator'
import type { Teardown } from './teardown.js'

/** An emulator that ends with the test. */
export async function emulate(t: Teardown, options?: EmulatorOptions): Promise<Emulator> {
  const emulator = await startEmulator(options)
  t.teardown(() => emulator.close())
  return emulator
}
