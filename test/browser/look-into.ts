import { inspect } from 'node:util'
import type { Page } from 'playwright-core'

/** Whatever of a page could be seen by somebody else, in texts, each with its place. */
export class LookInto {
  readonly #page: Page
  readonly #passed: [place: string, text: string][] = []
  readonly #printed: Promise<unknown>[] = []

  constructor(page: Page) {
    this.#page = page
    page.on('request', (request) => this.#passed.push(['url', request.url()]))
    page.on('websocket', (socket) => this.#passed.push(['url', socket.url()]))
    page.on('framenavigated', (frame) => this.#passed.push(['url', frame.url()]))
    page.on('pageerror', (error) => this.#passed.push(['error', `${error} ${error.stack}`]))
    page.on('console', (message) => {
      this.#passed.push(['console', message.text()])
      this.#printed.push(...message.args().map((argument) => argument.jsonValue().catch(() => undefined)))
    })
  }

  /** What has passed, and what is there now. */
  async texts(): Promise<[place: string, text: string][]> {
    const kept = await this.#page.evaluate(readPage)
    const cookies = JSON.stringify(await this.#page.context().cookies())
    const printed = inspect(await Promise.all(this.#printed), {
      depth: 9,
      maxArrayLength: null,
      maxStringLength: null
    })
    return [...this.#passed, ...kept, ['cookies', cookies], ['console', printed]]
  }
}

/** Runs in the page. */
async function readPage(): Promise<[place: string, text: string][]> {
  const request = <Result>(from: IDBRequest<Result>) =>
    new Promise<Result>((resolve, reject) => {
      from.onsuccess = () => resolve(from.result)
      from.onerror = () => reject(from.error)
    })
  const databases: unknown[] = []
  for (const { name } of await indexedDB.databases()) {
    const database = await request(indexedDB.open(`${name}`))
    for (const store of database.objectStoreNames) {
      const records = database.transaction(store).objectStore(store)
      databases.push(await request(records.getAll()), await request(records.getAllKeys()))
    }
    database.close()
  }
  const caches: string[] = []
  for (const name of await globalThis.caches.keys()) {
    const cache = await globalThis.caches.open(name)
    for (const kept of await cache.matchAll()) caches.push(await kept.text())
  }
  const values = [...document.querySelectorAll('input, textarea')].map((field) =>
    'value' in field ? String(field.value) : ''
  )
  return [
    ['localStorage', JSON.stringify({ ...localStorage })],
    ['sessionStorage', JSON.stringify({ ...sessionStorage })],
    ['indexedDB', JSON.stringify(databases)],
    ['caches', caches.join('\n')],
    ['dom', document.documentElement.outerHTML],
    ['dom', values.join('\n')],
    ['dom', `${document.title} ${window.name} ${document.cookie}`],
    ['history', JSON.stringify(history.state)]
  ]
}
