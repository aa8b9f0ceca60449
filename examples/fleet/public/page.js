/// <reference lib="dom" />

/** @typedef {{ member: number, process: number, tokenId: string, age: number, left: number }} Member */

const MEMBERS = 4
const list = /** @type {HTMLOListElement} */ (document.getElementById('members'))
const template = /** @type {HTMLTemplateElement} */ (document.getElementById('member'))
const summary = /** @type {HTMLElement} */ (document.getElementById('summary'))

/** @type {Map<number, Member>} */
const members = new Map()

/** Asks as often as there are members: they take turns. */
async function look() {
  const answers = await Promise.allSettled(Array.from({ length: MEMBERS }, ask))
  for (const answer of answers) {
    if (answer.status === 'fulfilled') members.set(answer.value.member, answer.value)
  }
  const inOrder = [...members.values()].sort((a, b) => a.member - b.member)
  list.replaceChildren(...inOrder.map(show))
  const tokens = new Set(inOrder.map(({ tokenId }) => tokenId)).size
  summary.textContent = answers.every(({ status }) => status === 'rejected')
    ? 'The fleet does not answer.'
    : `${inOrder.length} members, ${tokens === 1 ? 'one token' : `${tokens} tokens`}.`
}

/** @returns {Promise<Member>} */
async function ask() {
  // Nobody answers what was on its way to a member that was killed.
  const response = await fetch('/member', { cache: 'no-store', signal: AbortSignal.timeout(2000) })
  if (!response.ok) throw new Error('This member has no token.')
  return response.json()
}

function show(/** @type {Member} */ { member, process, tokenId, age, left }) {
  const item = /** @type {HTMLElement} */ (template.content.cloneNode(true)).querySelector('li')
  if (item === null) throw new Error('The template has no item.')
  item.style.setProperty('--hue', String(Number.parseInt(tokenId.replace(/\W/g, '').slice(0, 6), 36) % 360))
  say(item, 'h2', `Member ${member}, process ${process}`)
  say(item, 'code', tokenId)
  say(item, 'p', `${age} s old, ${left} s left`)
  const life = item.querySelector('progress')
  if (life) [life.max, life.value] = [age + left, left]
  return item
}

function say(/** @type {HTMLElement} */ item, /** @type {string} */ selector, /** @type {string} */ text) {
  const element = item.querySelector(selector)
  if (element) element.textContent = text
}

for (;;) {
  await look()
  await new Promise((resolve) => setTimeout(resolve, 1000))
}
