import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import { TokenRoute } from '@bandwidth-token/core/adapter'
import { testProvider } from '@bandwidth-token/core/testing'
import t from 'tap'
import { type Answer, answerWith, startEndpoint } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { anchorsOf, read } from './documents.js'

delete process.env['BW_TOKEN_URL']
const page = await read('docs/errors.md')
const sections = page.split('\n## ').slice(1)
const sectionOf = (code: string) => sections.find((section) => section.startsWith(`${code}\n`)) ?? ''
const source = await read('packages/core/src/errors.ts')
const statuses = [...source.matchAll(/^ {2}(ERR_\w+): (\d+)/gm)]

t.test('each code has a heading, its status, a cause, a fix and an example', async (t) => {
  t.ok(statuses.length >= 8)
  const anchors = anchorsOf(page)
  for (const [, code = '', status] of statuses) {
    t.ok(anchors.has(code.toLowerCase()), code)
    t.match(
      page,
      new RegExp(`^\\| \\[\`${code}\`\\]\\(#${code.toLowerCase()}\\) +\\| ${status} +\\|`, 'm'),
      code
    )
    t.match(sectionOf(code), new RegExp(`^${code}\\n\\nStatus ${status}\\b`), code)
    t.match(sectionOf(code), /\*\*Cause\.\*\*.*\*\*Fix\.\*\*.*\*\*Example\.\*\*.*^```text\n.*^```$/ms, code)
  }
  t.equal(sections.length, statuses.length)
})

t.test('each property of an error has a row', async (t) => {
  const error = await errorOf(() => Promise.resolve(new TokenProvider({ clientID: '' } as never)))
  for (const name of Object.keys(error as object)) t.match(page, `\n| \`${name}\``, name)
})

t.test('each example is what really happens', async (t) => {
  const credentials = { clientId: 'client', clientSecret: 'secret' }
  const fetchWith = (options: TokenProviderOptions) => async () => {
    const provider = new TokenProvider({ ...credentials, ...options } as TokenProviderOptions)
    t.teardown(() => provider.close())
    await provider.getToken()
  }
  const endpoint = async (answer: Answer) => ({ tokenUrl: (await startEndpoint(t, answer)).tokenUrl })
  const closed = testProvider()
  await closed.close()
  const route = (isSignedIn: boolean) =>
    new TokenRoute({ provider: closed as never, authorize: () => isSignedIn })
  const request = (headers: Record<string, string>) => ({ url: '/', header: (name: string) => headers[name] })

  const examples: Readonly<Record<string, () => Promise<unknown>>> = {
    OPTION_INVALID: fetchWith({ clientID: 'id' } as never),
    CREDENTIALS_REJECTED: fetchWith(await endpoint(answerWith(401, { error: 'invalid_client' }))),
    UNAVAILABLE: fetchWith({ tokenUrl: await nobody() }),
    TIMEOUT: fetchWith({ ...(await endpoint(() => {})), timeoutMs: 20, deadlineMs: 50 }),
    RESPONSE_INVALID: fetchWith(await endpoint(answerWith(302, '', { Location: '/' }))),
    FORBIDDEN: () => route(false).answer({}, request({})),
    CROSS_ORIGIN: () => route(true).answer({}, request({ 'sec-fetch-site': 'cross-site' })),
    CLOSED: () => closed.getToken()
  }
  for (const [name, provoke] of Object.entries(examples)) {
    const code = `ERR_BANDWIDTH_TOKEN_${name}`
    const [, message] = /^```text\n(.*)\n```$/m.exec(sectionOf(code)) ?? []
    t.match(await errorOf(provoke), { code, message }, code)
  }
  t.equal(Object.keys(examples).length, statuses.length)
})

async function errorOf(provoke: () => Promise<unknown>): Promise<unknown> {
  return rejection((async () => provoke())())
}

/** A token URL where nothing listens. */
async function nobody(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}/token`
}
