import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { answerWith, grant, startEndpoint } from '../support/endpoint.js'
import { onMessage } from '../support/observed.js'

const page = await readFile(new URL('../../../docs/observability.md', import.meta.url), 'utf8')

/** The fields in the table of a section. */
function fieldsOf(section: string): string[] {
  const text = page.split(`\n${section}\n`)[1]?.split('\n##')[0] ?? ''
  return [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, field = '']) => field)
}

t.test('the page has each field of each message, and no other', async (t) => {
  const seen = new Map<string, Set<string>>()
  onMessage(t, (message, name) => {
    const channel = name.replace(/^tracing:|:\w+$/g, name.startsWith('tracing:') ? '' : '$&')
    const fields = seen.get(channel) ?? new Set()
    for (const field of Object.keys(message)) fields.add(field)
    seen.set(channel, fields)
  })
  const endpoint = await startEndpoint(t)
  const provider = endpoint.provider(t, { timeoutMs: 500, deadlineMs: 1_000 })
  const first = await provider.getToken()
  await endpoint.clock.advance(5_000)
  endpoint.answer = answerWith(401, { error: 'invalid_client' }, { 'Retry-After': '70' })
  await t.rejects(provider.getToken({ rejected: first }))
  await t.rejects(provider.getToken({ account: 'ada' }))
  await endpoint.clock.advance(70_000)
  endpoint.answer = grant()
  await provider.getToken({ rejected: first })
  await endpoint.clock.advance(30_000)
  endpoint.answer = ({ socket }) => socket.resetAndDestroy()
  const failed = Promise.allSettled([
    provider.getToken({ rejected: 'id-3' }),
    provider.getToken({ account: 'ada' })
  ])
  await endpoint.clock.advance(2_000)
  await failed

  const failure = fieldsOf('## Events')
  t.strictSame(failure, ['code', 'upstreamStatus', 'oauthError', 'cause'])
  t.equal(seen.size, 5)
  for (const [channel, fields] of seen) {
    t.strictSame([...fields].sort(), [...fieldsOf(`### \`${channel}\``), ...failure].sort(), channel)
  }
})

t.test('each line of the log that the page shows is one that the provider writes', async (t) => {
  const section = page.split('\n## The log\n')[1]?.split('\n##')[0] ?? ''
  const messages = [...section.matchAll(/^\| `(?:warn|error|info|debug)` +\| `(.+?)` +\|/gm)].map(
    ([, message = '']) => message
  )
  t.equal(messages.length, 11)
  const folder = new URL('../../../packages/core/src/', import.meta.url)
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const sources = await Promise.all(files.map((file) => readFile(new URL(file, folder), 'utf8')))
  for (const message of messages) {
    t.ok(
      sources.some((source) => source.includes(message)),
      message
    )
  }
})
