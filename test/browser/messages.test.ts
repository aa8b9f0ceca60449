import { createTokenSource } from '@bandwidth-token/browser'
import t from 'tap'
import { type Answer, answerWith } from '../support/endpoint.js'
import { rejection } from '../support/outcomes.js'
import { stage } from './page.js'

const messages: Record<string, readonly [Answer, string]> = {
  'nobody is signed in': [answerWith(401), '401. Sign in, or check the route.'],
  'the page has another origin': [answerWith(403), '403. Sign in, or check the route.'],
  'the server has no token': [
    answerWith(503, '', { 'retry-after': '7' }),
    '503. Check server and network. Try again in 7 s.'
  ],
  'the server is gone': [
    ({ socket }) => socket.destroy(),
    'no answer. Check server and network. Try again in 1 s.'
  ],
  'there is no such page': [
    answerWith(404),
    '404. Check "url". When signed out, the route must answer 401. Try again in 1 s.'
  ],
  'a page for signing in comes with 200': [
    answerWith(200, '<html>'),
    '200 without a valid token. Check "url". When signed out, the route must answer 401. Try again in 1 s.'
  ]
}

for (const [what, [answer, message]] of Object.entries(messages)) {
  t.test(`says what happened and what to do when ${what}`, async (t) => {
    const { source, route } = await stage(t, answer)
    t.equal((await rejection(source.getToken())).message, `No token from ${route.tokenUrl}: ${message}`)
  })
}

t.test('says what to do with a source that is closed', async (t) => {
  const source = createTokenSource()
  source.close()
  t.equal(
    (await rejection(source.getToken())).message,
    'No token from /bandwidth/token: source closed. Create another.'
  )
})
