import t from 'tap'
import { isInsecure, isLoopback, isTokenUrl, parseUrl } from '../../support/core-internals.js'

t.test('a URL is parsed, or there is none', (t) => {
  t.equal(parseUrl('https://id.example/a?b')?.href, 'https://id.example/a?b')
  for (const text of ['', 'id.example', '/path', 'https://']) t.equal(parseUrl(text), undefined)
  t.end()
})

t.test('a loopback host is localhost, its names, 127.0.0.0/8 and ::1', (t) => {
  for (const hostname of [
    'localhost',
    'api.localhost',
    'a.b.localhost',
    '127.0.0.1',
    '127.255.0.9',
    '[::1]'
  ]) {
    t.equal(isLoopback(hostname), true, hostname)
  }
  for (const hostname of [
    ...['notlocalhost', '.localhost', 'localhost.example', 'x127.0.0.1', '127.0.0.1.example', '127.0.0'],
    ...['128.0.0.1', '127a0.0.1', '[::2]', 'x[::1]', '::1', '']
  ]) {
    t.equal(isLoopback(hostname), false, hostname)
  }
  t.end()
})

t.test('a token URL has the scheme https: or http:, and neither user, password nor fragment', (t) => {
  for (const url of ['https://id.example', 'http://id.example:8080/token?a=b', 'HTTPS://id.example']) {
    t.equal(isTokenUrl(url), true, url)
  }
  for (const url of [
    ...['https://id.example#', 'https://id.example#x', 'https://user@id.example', 'https://:word@id.example'],
    ...['ftp://id.example', 'id.example', '', 5, null, undefined, new URL('https://id.example')]
  ]) {
    t.equal(isTokenUrl(url), false, String(url))
  }
  t.end()
})

t.test('http: is insecure but to loopback hosts', (t) => {
  t.strictSame(
    ['http://id.example', 'http://127.0.0.1:80', 'https://id.example', 'https://127.0.0.1'].map(isInsecure),
    [true, false, false, false]
  )
  t.end()
})
