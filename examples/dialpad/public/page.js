/// <reference lib="dom" />

/** An element of the page, which is sure to be there. @param {string} id */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/** @param {string} id */
export const inputById = (id) => /** @type {HTMLInputElement} */ (byId(id))

/** @param {string} id */
export const buttonById = (id) => /** @type {HTMLButtonElement} */ (byId(id))

/** @param {string} id @param {string} text */
export function say(id, text) {
  const element = byId(id)
  // Set anew, the same text would be read out anew.
  if (element.textContent !== text) element.textContent = text
}
