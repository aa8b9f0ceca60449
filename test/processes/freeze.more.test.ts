import { setTimeout as pass } from 'node:timers/promises'
import type { EmulatorOptions, Fault } from '@bandwidth-token/emulator'
import t, { type Test } from 'tap'
import { EmulatorProcess } from './emulator-process.js'
import { Told } from './told.js'

/** All of these limits come due more than a second late if the process stands still for that long. */
const LIMITS = { timeoutMs: 2_000, deadlineMs: 2_500 }
const FREEZE_MS = 4_500

const HANG: Fault = { hang: 'headers' }
/** The answer comes while the process stands still. */
const SLOW: Fault = { delayMs: 1_500 }

interface Outcome {
  readonly id?: string
  readonly code?: string
}

async function start(t: Test, options: EmulatorOptions = {}) {
  const emulator = new EmulatorProcess(t, options)
  await emulator.start()
  const child = new Told(t, 'freezer', { ...emulator.credentials, ...LIMITS })
  await child.report()
  return { emulator, child }
}

/** How a process comes to stand still. */
const freezes: Record<string, (program: Awaited<ReturnType<typeof start>>) => Promise<void>> = {
  'is stopped': async ({ child }) => {
    child.process.kill('SIGSTOP')
    await pass(FREEZE_MS)
    child.process.kill('SIGCONT')
  },
  'blocks its event loop': ({ child }) => child.tell(`block ${FREEZE_MS}`)
}

t.setTimeout(120_000)
// They do nothing for most of the time.
t.jobs = 4

for (const [what, freeze] of Object.entries(freezes)) {
  for (const [when, fault, expiresIn, requests] of [
    ['during its first request', HANG, 600, 2],
    ['while the answer to its first request arrives', SLOW, 600, 1],
    ['for longer than the token lives that arrives meanwhile', SLOW, 2, 2]
  ] as const) {
    t.test(`a program that ${what} ${when} gets a token`, async (t) => {
      const program = await start(t, { expiresIn })
      const { emulator, child } = program
      await emulator.script([fault])
      const asked = child.tell<Outcome>('get')
      await emulator.untilReceived(1)
      await freeze(program)
      t.match(await asked, { id: String })
      t.match(await child.tell('status'), { consecutiveFailures: 0 })
      t.equal((await emulator.received()).length, requests)
    })
  }

  t.test(`a program that ${what} during a refresh in the background gets a token`, async (t) => {
    const program = await start(t)
    const { emulator, child } = program
    t.match(await child.tell('get'), { id: String })
    await emulator.script([HANG])
    // Of 600 s, 14 are left: the refresh is due, and the token serves for 4 of them. It does no more on the thaw.
    await child.tell('advance 586000')
    t.match(await child.tell('get'), { id: String })
    await emulator.untilReceived(2)
    await freeze(program)
    t.match(await child.tell('get'), { id: String })
    t.match(await child.tell('status'), { state: 'fresh', consecutiveFailures: 0 })
    t.equal((await emulator.received()).length, 3)
  })
}
