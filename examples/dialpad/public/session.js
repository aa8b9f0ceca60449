/// <reference lib="dom" />
import { byId, inputById, say } from './page.js'
import { createTokenSource } from './token-source/index.js'

/** The tokens for the calls of this page. They stay in its memory. */
export const source = createTokenSource()

/** Unknown until the token route has answered. @type {boolean | undefined} */
let isSignedIn
let isInCall = false
let hint = 'Sign in to place calls.'
/** By the monotonic clock, which cannot be changed. */
let freshUntilMs = 0
let nextTryMs = 0

source.subscribe((event) => {
  if (event.type === 'token') freshUntilMs = performance.now() + event.expiresIn * 1000
  if (event.type === 'error') nextTryMs = performance.now() + event.retryInMs
  if (event.type === 'refused') return
  if (event.type === 'signed-out' && isSignedIn) hint = 'You were signed out. Sign in to go on.'
  isSignedIn = event.type !== 'signed-out'
  show()
})

/** Asks for a token. The answer tells whether the user is signed in. */
export async function enter() {
  // The subscriber above gets the result.
  await source.getToken().catch(() => {})
}

/** Keeps the buttons while a call goes on, which can outlive the session. @param {boolean} isThere */
export function keepPhone(isThere) {
  isInCall = isThere
  show()
}

function show() {
  if (isSignedIn === undefined) return
  if (isSignedIn || isInCall) reveal('phone', 'sign-in', 'number')
  else reveal('sign-in', 'phone', 'password')
  byId('sign-out').hidden = !isSignedIn
  tell()
}

/** Shows one form instead of the other. @param {string} id @param {string} other @param {string} field */
function reveal(id, other, field) {
  if (!byId(id).hidden) return
  byId(id).hidden = false
  byId(other).hidden = true
  inputById(field).focus()
}

function tell() {
  const nowMs = performance.now()
  if (!isSignedIn) return line('out', isInCall ? 'Signed out. This call goes on.' : hint)
  if (nowMs < freshUntilMs)
    return line('fresh', 'Signed in', `token fresh for ${length(freshUntilMs - nowMs)}`)
  if (nowMs < nextTryMs) return line('late', 'No token for calls', `next try in ${length(nextTryMs - nowMs)}`)
  line('late', 'Signed in', 'getting a token …')
}

/** @param {string} state @param {string} text @param {string} [detail] */
function line(state, text, detail = '') {
  byId('session').dataset.state = state
  say('session-text', text)
  // Not in the text that a screen reader reads out, because it changes all the time.
  say('freshness', detail)
}

/** @param {number} ms */
const length = (ms) => (ms >= 60_000 ? `${Math.floor(ms / 60_000)} min` : `${Math.ceil(ms / 1000)} s`)

setInterval(() => {
  if (isSignedIn) tell()
}, 1000)

/** @param {string} path @param {URLSearchParams} [body] */
const post = (path, body) => fetch(path, { method: 'POST', body: body ?? null }).catch(() => undefined)

byId('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault()
  const password = inputById('password')
  const response = await post('/sign-in', new URLSearchParams({ password: password.value }))
  password.value = ''
  if (response?.ok) {
    source.invalidate() // The next token is for the user who is signed in now.
    await enter()
  }
  say('sign-in-problem', problem(response))
  password.setAttribute('aria-invalid', String(!isSignedIn))
  if (!isSignedIn) password.focus()
})

/** @param {Response | undefined} response */
function problem(response) {
  if (response?.ok) return isSignedIn ? '' : 'The server has forgotten you at once. Are cookies blocked?'
  return response?.status === 401 ? 'Wrong password.' : 'The server cannot be reached. Try again.'
}

byId('sign-out').addEventListener('click', async () => {
  const response = await post('/sign-out')
  // The page must keep nothing of this session.
  if (response?.ok) return location.reload()
  byId('phone').dataset.call = 'failed'
  say('state', 'You are still signed in: the server cannot be reached.')
})
