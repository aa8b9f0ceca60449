import t from 'tap'
import { until } from '../processes/child.js'
import { launchChromium } from '../support/chromium.js'
import { type DialPad, openDialPad, startExample } from './dialpad.js'

const browser = await launchChromium(t)
const example = await startExample(t)

/** What the page says of the session, as a person sees it. */
const messages = ({ page }: DialPad) => page.getByText(/sign in to|signed out/i).filter({ visible: true })

t.test('says once that nobody is signed in, and leaves the route alone', async (t) => {
  const pad = await openDialPad(t, browser, example, {}, (page) => page.clock.install())
  await pad.says('Sign in to place calls.')
  t.equal(await messages(pad).count(), 1)
  t.equal(await pad.focused(), 'password')
  await pad.page.clock.runFor('01:00:00')
  t.equal(pad.tokenRequests, 1)
  t.equal(await messages(pad).count(), 1)
  t.equal(await pad.number.isVisible(), false)
  t.equal(await pad.button('Sign out').isVisible(), false)
  await pad.check(t)
})

t.test('says once that the session has ended, and keeps the number', async (t) => {
  const pad = await openDialPad(t, browser, example, {}, (page) => page.clock.install())
  await pad.signIn()
  await pad.says('Signed in')
  await pad.number.fill('+15551234567')
  await pad.page.context().request.post(`${example.url}/sign-out`)
  await pad.page.clock.fastForward('09:55')
  await pad.says('You were signed out. Sign in to go on.')
  t.equal(await messages(pad).count(), 1)
  t.equal(await pad.focused(), 'password')
  await pad.page.clock.runFor('01:00:00')
  t.equal(pad.tokenRequests, 3, 'at the start, after the sign-in, and at the end of the token')
  await pad.signIn()
  await pad.says('Signed in')
  t.equal(await pad.number.inputValue(), '+15551234567')
  t.equal(await pad.state.textContent(), '')
  await pad.check(t)
})

t.test('leads to the sign-in who calls after the session has ended', async (t) => {
  const pad = await openDialPad(t, browser, example, {}, (page) => page.clock.install())
  await pad.signIn()
  await pad.says('Signed in')
  await pad.page.context().request.post(`${example.url}/sign-out`)
  // A page in the background asks for nothing by itself.
  await pad.page.evaluate(() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' }))
  await pad.page.clock.fastForward('10:00')
  await pad.page.clock.runFor(1000)
  t.match(await pad.session.textContent(), 'getting a token …')
  await pad.call()
  await pad.says('You were signed out. Sign in to go on.')
  t.equal(await messages(pad).count(), 1)
  t.equal(pad.calls.length, 0)
  await pad.check(t)
})

t.test('lets a call go on when the session ends', async (t) => {
  const pad = await openDialPad(t, browser, example, {}, (page) => page.clock.install())
  await pad.signIn()
  await pad.connect()
  await pad.page.context().request.post(`${example.url}/sign-out`)
  await pad.page.clock.fastForward('09:55')
  await pad.says('Signed out. This call goes on.')
  t.equal(await messages(pad).count(), 1)
  t.match(await pad.microphone(), { readyState: 'live' })
  t.equal(await pad.state.textContent(), 'Connected')
  await pad.button('Hang up').click()
  await pad.says('You were signed out. Sign in to go on.')
  t.equal(await pad.number.isVisible(), false)
  t.equal(await pad.focused(), 'password')
  t.match(await pad.microphone(), { readyState: 'ended' })
  await pad.check(t)
})

t.test('says what to do when the gateway refuses the token', async (t) => {
  const pad = await openDialPad(t, browser, example)
  await pad.signIn()
  example.emulator.script([
    { on: 'invite', status: 401 },
    { on: 'invite', status: 401 }
  ])
  await pad.call()
  await pad.says('The gateway refused the token. Call again in half a minute.')
  t.equal(await pad.focused(), 'Call')
  t.match(await pad.microphone(), { readyState: 'ended' })
  example.emulator.script([])
  await pad.connect()
  await pad.check(t)
})

t.test('calls again by itself when there is another token than the refused one', async (t) => {
  const example = await startExample(t)
  const pad = await openDialPad(t, browser, example)
  const said: string[] = []
  await pad.page.exposeFunction('note', (text: string) => said.push(text))
  await pad.page.evaluate(() => {
    const { note } = globalThis as unknown as { note(text: string | null): void }
    const state = document.querySelector('#state') as Element
    new MutationObserver(() => note(state.textContent)).observe(state, { childList: true })
  })
  await pad.signIn()
  await pad.says('Signed in')
  // The server replaces none that is younger than five seconds.
  const left = () =>
    pad.page.evaluate(async () => (await (await fetch('/bandwidth/token')).json()).expires_in)
  await until(async () => (await left()) < 594, 'the token is old enough')
  example.emulator.script([{ on: 'invite', status: 401 }])
  await pad.connect()
  await until(() => said.includes('Connected'), 'it has been noted')
  t.strictSame(said, [
    'Calling +15551234567 …',
    'Calling again, with a new token …',
    'Ringing …',
    'Connected'
  ])
  t.match(pad.calls, [{ status: 401 }, { status: 200, verdict: 'valid' }])
  t.not(pad.calls[0]?.accessTokenId, pad.calls[1]?.accessTokenId)
  await pad.button('Hang up').click()
  await pad.says(/^The call has ended/)
  await pad.check(t)
})

const REFUSALS = [
  [403, 'This account may not call that number.'],
  [404, 'There is no such number.'],
  [480, 'Nobody answers.'],
  [486, 'The line is busy.'],
  [503, /^The call failed: .+\.$/]
] as const

t.test('says why a call was not answered', async (t) => {
  const pad = await openDialPad(t, browser, example)
  await pad.signIn()
  for (const [status, text] of REFUSALS) {
    example.emulator.script([{ on: 'invite', status }])
    await pad.call()
    await pad.says(text)
    t.equal(await pad.button('Call').isVisible(), true, `after ${status}`)
  }
  await pad.check(t)
})

t.test('says that there is no microphone', async (t) => {
  const pad = await openDialPad(t, browser, example)
  await pad.signIn()
  await pad.says('Signed in')
  await pad.page.evaluate(() => {
    MediaDevices.prototype.getUserMedia = async () => {
      throw new DOMException('', 'NotAllowedError')
    }
  })
  await pad.call()
  await pad.says('There is no microphone. Allow it for this page, then call again.')
  t.equal(await pad.button('Call').isVisible(), true)
  t.equal(pad.calls.length, 0)
  await pad.check(t)
})

t.test('says that the gateway cannot be reached', async (t) => {
  const example = await startExample(t)
  const pad = await openDialPad(t, browser, example)
  const closed = pad.page.waitForEvent('websocket').then((socket) => socket.waitForEvent('close'))
  await pad.signIn()
  await pad.says('Signed in')
  await example.emulator.close()
  await closed
  await pad.call()
  await pad.says('The gateway cannot be reached. Try again in a moment.')
  t.equal(await pad.focused(), 'Call')
  t.match(await pad.microphone(), { readyState: 'ended' })
  await pad.check(t)
})

t.test('says that the server has no token, and goes on when it has', async (t) => {
  const example = await startExample(t, Array(50).fill({ status: 503 }))
  const pad = await openDialPad(t, browser, example)
  await pad.signIn()
  await pad.says('No token for calls')
  t.match(await pad.session.textContent(), /next try in \d s/)
  await pad.call()
  await pad.says('Not called: the server has no token at the moment.')
  example.emulator.script([])
  await pad.says('Signed in')
  await pad.connect()
  await pad.check(t)
})

t.test('places no call that was cancelled while the token was awaited', async (t) => {
  const pad = await openDialPad(t, browser, example, {}, (page) => page.clock.install())
  await pad.signIn()
  await pad.says('Signed in')
  const held: (() => Promise<void>)[] = []
  await pad.page.route('**/bandwidth/token', (route) => void held.push(() => route.continue()))
  await pad.page.clock.fastForward('10:00')
  await pad.call()
  await pad.says('Calling +15551234567 …')
  await pad.button('Hang up').click()
  await pad.says('Cancelled.')
  await until(() => held.length > 0, 'the token is awaited')
  const answered = pad.page.waitForResponse('**/bandwidth/token')
  for (const go of held) await go()
  await (await answered).finished()
  t.equal(await pad.state.textContent(), 'Cancelled.')
  t.equal(pad.calls.length, 0)
  await pad.connect()
  t.equal(pad.calls.length, 1)
  await pad.check(t)
})
