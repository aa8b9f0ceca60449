import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import t, { type Test } from 'tap'
import { launchChromium } from '../support/chromium.js'
import { type DialPad, openDialPad, startExample } from './dialpad.js'

const axe = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const browser = await launchChromium(t)
const example = await startExample(t)

/** What axe-core finds wrong, each with where. */
async function violations({ page }: DialPad): Promise<string[]> {
  const { violations, passes } = (await page.evaluate('axe.run()')) as AxeResults
  if (!passes.some(({ id }) => id === 'color-contrast')) throw new Error('axe has not looked at the colours')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

async function isClean(t: Test, pad: DialPad, state: string): Promise<void> {
  // A colour on its way to another one has no contrast of its own.
  await pad.page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)))
  t.strictSame(await violations(pad), [], state)
}

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(`axe-core finds nothing, ${colorScheme}`, async (t) => {
    // The policy would keep axe out; that of the page itself is looked at by the other tests.
    const pad = await openDialPad(t, browser, example, { colorScheme, bypassCSP: true })
    await pad.says('Sign in to place calls.')
    await pad.page.addScriptTag({ content: axe })
    await isClean(t, pad, 'signed out')
    await pad.signIn('wrong')
    await pad.page.getByText('Wrong password.').waitFor()
    await isClean(t, pad, 'wrong password')
    await pad.signIn()
    await pad.says('Signed in')
    await isClean(t, pad, 'before a call')

    example.emulator.script([
      { on: 'invite', status: 403 },
      { on: 'invite', hang: 'ringing' }
    ])
    await pad.call()
    await pad.says('This account may not call that number.')
    await isClean(t, pad, 'refused')
    await pad.call()
    await pad.says('Ringing …')
    await isClean(t, pad, 'ringing')
    await pad.button('Hang up').click()

    await pad.connect()
    await isClean(t, pad, 'in a call')
    await pad.button('Mute').click()
    await isClean(t, pad, 'muted')
    await pad.page.setViewportSize({ width: 320, height: 600 })
    await isClean(t, pad, 'narrow')
    t.equal(await pad.page.evaluate(() => document.documentElement.scrollWidth), 320, 'nothing is cut off')
    await pad.page.setViewportSize({ width: 640, height: 360 })
    await isClean(t, pad, 'twice as large')
    const { y = 0, height = 0 } = (await pad.button('Hang up').boundingBox()) ?? {}
    t.ok(y > 0 && y + height < 360, 'the button is in sight')
    await pad.button('Hang up').click()
    await pad.says(/^The call has ended/)
    await isClean(t, pad, 'after a call')
  })
}

t.test('axe-core finds what is wrong', async (t) => {
  const pad = await openDialPad(t, browser, example, { bypassCSP: true })
  await pad.says('Sign in to place calls.')
  await pad.page.addScriptTag({ content: axe })
  await pad.page.evaluate(() => document.querySelector('label')?.remove())
  t.match((await violations(pad)).join('\n'), /^label: <input id="password"/m)
})
