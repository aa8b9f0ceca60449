import fc from 'fast-check'
import t from 'tap'
import { rejectedTokenId } from '../../support/core-internals.js'

fc.configureGlobal({ numRuns: 2_000 })

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))

t.test('the id of a rejected token', async (t) => {
  const id = fc.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/)
  const query = fc.string({ unit: fc.constantFrom(...'abc=&+%20?#/.') })

  t.test('is read from the query of any path', async () => {
    fc.assert(
      fc.property(id, id, (id, other) => {
        return [`/token?rejected=${id}`, `?rejected=${id}`, `/a/b?other=${other}&rejected=${id}&x`].every(
          (url) => rejectedTokenId(url) === id
        )
      })
    )
  })

  t.test('is none where there are two, or where it is in the path', async () => {
    fc.assert(
      fc.property(id, id, (id, other) => {
        return [
          `/token?rejected=${id}&rejected=${other}`,
          `/token?rejected=${id}&rejected=`,
          `/rejected=${id}`,
          `/token?Rejected=${id}`,
          `/token?rejected[]=${id}`,
          `/token?rejected=${id}&rejected=${id}`
        ].every((url) => rejectedTokenId(url) === undefined)
      })
    )
  })

  t.test('is well formed or none, whatever the URL', async () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          query,
          query.map((rest) => `/token?rejected=${rest}`)
        ),
        (url) => {
          const read = rejectedTokenId(url)
          return read === undefined || /^[A-Za-z0-9._~-]{1,128}$/.test(read)
        }
      )
    )
  })

  t.test('is none where it is empty, too long or of other characters', async (t) => {
    for (const value of [
      '',
      'a'.repeat(129),
      'a b',
      'a+b',
      'a%0ab',
      'a%00',
      '%',
      'a/b',
      'a=b',
      '%C3%B6',
      '<b>',
      'a%0d%0a'
    ]) {
      t.equal(rejectedTokenId(`/token?rejected=${value}`), undefined, value)
    }
    t.equal(rejectedTokenId('/token?rejected=a%2Db'), 'a-b')
    t.equal(rejectedTokenId(`/token?rejected=${'a'.repeat(128)}`), 'a'.repeat(128))
    t.equal(rejectedTokenId('/token'), undefined)
    t.equal(rejectedTokenId(''), undefined)
  })
})
