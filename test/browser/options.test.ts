import { createTokenSource } from '@bandwidth-token/browser'
import t from 'tap'
import { thrownBy } from '../support/outcomes.js'

const known = ['url', 'fetch', 'headers', 'credentials']

t.test('an option that does not exist is named, with those that do', async (t) => {
  for (const name of ['urll', 'Url', 'credential', 'path', 'constructor', 'toString', 'hasOwnProperty']) {
    const error = thrownBy(() => createTokenSource({ [name]: 'x' }))
    t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
    for (const part of [`"${name}"`, ...known]) t.ok(error.message.includes(part), `${name}: ${part}`)
  }
  t.throws(() => createTokenSource(JSON.parse('{"__proto__":{}}')), {
    code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID'
  })
})

t.test('an option of the wrong type is named, with what it may be, and its value is not shown', async (t) => {
  const wrong = {
    url: ['', 5, null, {}, true, ['/x'], () => {}],
    fetch: ['secret', null, {}, 1],
    headers: ['secret', null, 5, true],
    credentials: ['secret', '', 'Include', null, true, ['omit'], {}]
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = thrownBy(() => createTokenSource({ [name]: value }))
      t.equal(error.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID', `${name}: ${JSON.stringify(value)}`)
      t.match(
        error.message,
        new RegExp(
          `"${name}": expected (a non-empty string|a function|an object|omit, same-origin, include)$`
        )
      )
    }
  }
})

t.test('headers that cannot be sent are named, and their values are not shown', async (t) => {
  for (const headers of [{ 'a b': 'secret' }, { a: 'secret\nb' }, [['secret']], [1]]) {
    t.throws(() => createTokenSource({ headers } as never), {
      code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
      message: 'Invalid option "headers": expected valid headers'
    })
  }
})

t.test('a URL in the place of the options is an error', async (t) => {
  for (const options of ['/token', '', null, 5]) {
    t.throws(() => createTokenSource(options as never), {
      code: 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID',
      message: 'Invalid option "options": expected an object'
    })
  }
})

t.test('options may be left out, one by one or all', async () => {
  createTokenSource().close()
  createTokenSource({}).close()
  createTokenSource(Object.fromEntries(known.map((name) => [name, undefined]))).close()
})

t.test('options are not written to', async (t) => {
  const options = Object.freeze({ url: '/token', headers: Object.freeze({ a: 'b' }) })
  createTokenSource(options).close()
  const headers = new Headers({ accept: 'text/plain' })
  createTokenSource({ headers }).close()
  t.equal(headers.get('accept'), 'text/plain')
})
