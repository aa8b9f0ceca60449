/// <reference lib="dom" />
import { gateway } from './gateway.js'
import { buttonById, byId, inputById, say } from './page.js'
import { createPhone } from './phone.js'
import { enter, keepPhone, source } from './session.js'

const form = byId('phone')
const number = inputById('number')
const mute = buttonById('mute')

const phone = createPhone(source, gateway, (state, text) => {
  form.dataset.call = state
  say('state', text)
  tellTime()
  say('tones', '')
  number.readOnly = phone.isBusy
  buttonById('erase').disabled = phone.isBusy
  offer(phone.isBusy ? 'hang-up' : 'call')
  mute.disabled = state !== 'connected'
  showMuted(false)
  keepPhone(phone.isBusy)
})

/** Shows one of the two buttons. It gets the focus if the element that had it is hidden now. @param {string} id */
function offer(id) {
  const button = buttonById(id)
  const other = buttonById(id === 'call' ? 'hang-up' : 'call')
  const isFocusDue = button.hidden && [other, mute, number].some((each) => each === document.activeElement)
  button.hidden = false
  if (isFocusDue) button.focus()
  other.hidden = true
}

/** @param {boolean} isMuted */
function showMuted(isMuted) {
  mute.setAttribute('aria-pressed', String(isMuted))
}

function tellTime() {
  say('time', phone.time)
}
setInterval(tellTime, 1000)

/** A key adds a digit to the number. During a call it sends a tone. @param {string} key */
function press(key) {
  if (form.dataset.call === 'connected' && key !== '+') {
    if (phone.sendTone(key)) say('tones', `${byId('tones').textContent}${key}`.slice(-10))
  } else if (!phone.isBusy) {
    number.value += key
    number.scrollLeft = number.scrollWidth
  }
}

function erase() {
  number.value = number.value.slice(0, -1)
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (phone.isBusy) return
  const digits = number.value.replace(/[\s()./-]/g, '')
  if (/^\+?[\d*#]+$/.test(digits)) {
    phone.dial(digits)
  } else {
    form.dataset.call = 'failed'
    say('state', digits === '' ? 'Enter a number first.' : 'A number has digits only, and may begin with +.')
    number.focus()
  }
})

buttonById('hang-up').addEventListener('click', (event) => {
  // The second click of a double click was meant for the button that was there before.
  if (event.detail < 2) phone.hangUp()
})

mute.addEventListener('click', () => {
  const isMuted = mute.getAttribute('aria-pressed') !== 'true'
  phone.mute(isMuted)
  showMuted(isMuted)
})

buttonById('erase').addEventListener('click', erase)

let pressedMs = 0
byId('keys').addEventListener('pointerdown', ({ timeStamp }) => {
  pressedMs = timeStamp
})
byId('keys').addEventListener('click', ({ target, detail, timeStamp }) => {
  const key = /** @type {Element} */ (target).closest('button')?.value
  // As on every phone, holding 0 enters a +. A click without a pointer has a `detail` of 0.
  const isHeld = detail > 0 && timeStamp - pressedMs > 500
  if (key !== undefined) press(key === '0' && isHeld ? '+' : key)
})

form.addEventListener('keydown', (event) => {
  const { key, target, repeat, ctrlKey, altKey, metaKey } = event
  // Call and Hang up appear in the same place.
  if (key === 'Enter' && repeat) event.preventDefault()
  if ((target === number && !number.readOnly) || ctrlKey || altKey || metaKey) return
  if (/^[\d*#+]$/.test(key)) press(key)
  if (key === 'Backspace' && !phone.isBusy) erase()
})

// Signing out ends the call, so that the microphone does not stay open. A session that expires does not end it.
buttonById('sign-out').addEventListener('click', phone.hangUp)
window.addEventListener('pagehide', phone.hangUp)

await enter()
