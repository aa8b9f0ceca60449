import t from 'tap'
import { sharesWithSecret } from '../../support/core-internals.js'

t.test('a text shares with a secret what has eight characters of it', (t) => {
  for (const [text, secrets, shares] of [
    ['12345678', ['x12345678x'], true],
    ['x12345678', ['12345678'], true],
    ['12345678x', ['12345678'], true],
    ['1234567', ['12345678'], false],
    ['1234567x2345678', ['12345678'], false],
    ['', ['12345678'], false],
    ['text', [], false],
    ['text', ['12345678', 'ex'], true],
    ['a secret', ['secret'], true],
    ['a secre', ['secret'], false]
  ] as const) {
    t.equal(sharesWithSecret(text, secrets), shares, `${text}, ${secrets}`)
  }
  t.end()
})
