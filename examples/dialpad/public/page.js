/// <reference lib="dom" />

/** An element that the page certainly has. @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/** @param {string} id */
export const inputById = (id) => /** @type {HTMLInputElement} */ (byId(id))

/** @param {string} id */
export const buttonById = (id) => /** @type {HTMLButtonElement} */ (byId(id))

/** @param {string} id @param {string} text */
export function say(id, text) {
  const element = byId(id)
  // A screen reader would read the same text again if it were set again.
  if (element.textContent !== text) element.textContent = text
}
