/// <reference lib="dom" />

const signIn = /** @type {HTMLFormElement} */ (document.getElementById('sign-in'))

/** Asks the guarded route: 403 means that nobody is signed in. */
async function show() {
  const response = await fetch('/bandwidth/token')
  reveal('signed-in', response.ok)
  reveal('sign-in', response.status === 403)
  if (response.ok) {
    const { access_token_id, expires_in } = await response.json()
    say('token-id', access_token_id ?? 'without an id')
    say('seconds-left', expires_in)
  }
  say('message', response.ok || response.status === 403 ? '' : 'No token can be had at the moment.')
}

/** Posts a form to this app and shows the text of its answer. */
async function post(/** @type {string} */ path, /** @type {URLSearchParams} */ body = new URLSearchParams()) {
  const response = await fetch(path, { method: 'POST', body })
  if (response.ok) await show()
  else say('message', await response.text())
}

signIn.addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = new URLSearchParams({ password: signIn.password.value })
  signIn.reset()
  await post('/sign-in', body)
})
document.getElementById('again')?.addEventListener('click', show)
document.getElementById('sign-out')?.addEventListener('click', () => post('/sign-out'))

function reveal(/** @type {string} */ id, /** @type {boolean} */ isShown) {
  const element = document.getElementById(id)
  if (element) element.hidden = !isShown
}

function say(/** @type {string} */ id, /** @type {string | number} */ text) {
  const element = document.getElementById(id)
  if (element) element.textContent = String(text)
}

await show()
