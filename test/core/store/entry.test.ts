import t from 'tap'
import { leftMs, parseEntry } from '../../support/core-internals.js'

const entry = { fields: { access_token: 'token-1', expires_in: 600 }, issuedAtMs: 1_000_000 }
const at = (wallMs: number) => ({ wallMs, monotonicMs: 0 })

t.test('the life left in an entry', async (t) => {
  t.test('is what the store says', async (t) => {
    t.equal(leftMs(entry, 400_000, at(1_200_000)), 400_000)
  })

  t.test('is never more than the whole life', async (t) => {
    t.equal(leftMs(entry, 900_000, at(1_000_000)), 600_000)
  })

  t.test('ends a minute after its expiry date at the latest, because two clocks may differ', async (t) => {
    t.equal(leftMs(entry, 600_000, at(1_600_000)), 60_000)
    t.equal(leftMs(entry, 600_000, at(1_660_000)), 0)
  })
})

t.test('an entry is read', async (t) => {
  for (const each of [entry, { ...entry, replacedBeforeMs: 0 }, { ...entry, issuedAtMs: 0 }]) {
    t.strictSame(parseEntry(JSON.stringify(each)), each)
  }
})

for (const [what, text] of [
  ['is missing', undefined],
  ['is no JSON', '{'],
  ['is null', 'null'],
  ['has no fields', '{ "issuedAtMs": 1 }'],
  ['has a lifetime that is text', '{ "fields": { "expires_in": "600" }, "issuedAtMs": 1 }'],
  ['has no issue date', '{ "fields": { "expires_in": 600 } }'],
  ['has an issue date that is text', '{ "fields": { "expires_in": 600 }, "issuedAtMs": "1" }'],
  ['has an issue date before 1970', '{ "fields": { "expires_in": 600 }, "issuedAtMs": -1 }'],
  ['has an issue date without an end', '{ "fields": { "expires_in": 600 }, "issuedAtMs": 1e999 }'],
  [
    'was replaced in the future',
    '{ "fields": { "expires_in": 600 }, "issuedAtMs": 1, "replacedBeforeMs": -1 }'
  ]
] as const) {
  t.test(`an entry that ${what} is ignored`, async (t) => {
    t.equal(parseEntry(text), undefined)
  })
}
