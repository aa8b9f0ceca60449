import assert from 'node:assert/strict'
import { parse } from 'node:querystring'
import fc from 'fast-check'
import t from 'tap'
import { rejectedTokenId } from '../support/core-internals.js'
import { rejectedQuery } from './queries.js'
import { runs } from './settings.js'

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

/** Contract 3.2, read anew on top of Node's other parser of queries. */
function idIn(url: string): string | undefined {
  const start = url.indexOf('?')
  const query = start < 0 ? '' : url.slice(start + 1)
  const value = parse(query, '&', '=', { maxKeys: 0 })['rejected']
  if (typeof value !== 'string' || value.length < 1 || value.length > 128) return undefined
  return [...value].every((character) => UNRESERVED.includes(character)) ? value : undefined
}

t.test('finds the id that an independent reading of the query finds', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom('/bandwidth/token', '', '/%', '*', 'http://app.example/x'),
      rejectedQuery,
      (path, query) => {
        const url = path + query
        assert.equal(rejectedTokenId(url), idIn(url), JSON.stringify(url))
      }
    ),
    runs(40_000)
  )
})

t.test('finds every well-formed id, however it is escaped', async () => {
  const id = fc.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/)
  const escaped = (text: string, every: number) =>
    [...text]
      .map((letter, index) => (index % every === 0 ? `%${letter.charCodeAt(0).toString(16)}` : letter))
      .join('')
  fc.assert(
    fc.property(
      id,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom('', 'a=b&', '&&'),
      (id, every, before) => {
        assert.equal(rejectedTokenId(`/token?${before}rejected=${escaped(id, every)}`), id)
        assert.equal(rejectedTokenId(`/token?${before}rejected=${id}&rejected=${id}`), undefined)
      }
    ),
    runs(5_000)
  )
})
