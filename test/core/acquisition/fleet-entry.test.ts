import t from 'tap'
import { toAcquired, toEntry } from '../../support/core-internals.js'

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: 1_700_000_000_000 + monotonicMs })
const FIELDS = { access_token: 'a-token', access_token_id: 'an-id', expires_in: 600 }
const GRANT = { accessToken: 'a-token', accessTokenId: 'an-id', expiresIn: 600, hasExpiresIn: true }
const ACQUIRED = { ...GRANT, issuedAt: at(1_000) }
const withdraw = () => {}

t.test('shares a token with the life that it has left', async (t) => {
  t.strictSame(toEntry(ACQUIRED, Number.NEGATIVE_INFINITY, at(1_200.5)), {
    ttlMs: 599_799,
    entry: { fields: FIELDS, issuedAtMs: at(1_000).wallMs }
  })
  const nameless = { ...ACQUIRED, accessTokenId: undefined }
  t.notOk(
    Object.hasOwn(
      toEntry(nameless, Number.NEGATIVE_INFINITY, at(1_000))?.entry.fields ?? {},
      'access_token_id'
    )
  )
})

t.test('shares it down to its last millisecond', async (t) => {
  t.equal(toEntry(ACQUIRED, Number.NEGATIVE_INFINITY, at(600_999))?.ttlMs, 1)
  t.equal(toEntry(ACQUIRED, Number.NEGATIVE_INFINITY, at(600_999.5)), undefined)
  t.equal(toEntry(ACQUIRED, Number.NEGATIVE_INFINITY, at(601_000)), undefined)
})

t.test('says how long before its issue a rejected token was replaced', async (t) => {
  const replacedBeforeMs = (lastReplacementMs: number) =>
    toEntry(ACQUIRED, lastReplacementMs, at(1_000))?.entry.replacedBeforeMs
  t.equal(replacedBeforeMs(400), 600)
  t.equal(replacedBeforeMs(1_000), 0)
  t.equal(replacedBeforeMs(1_500), 0, 'a replacement that began while this one was fetched')
  t.equal(replacedBeforeMs(Number.NEGATIVE_INFINITY), undefined, 'none ever')
})

t.test('a token that another member shares was issued when its life began', async (t) => {
  const entry = { fields: FIELDS, issuedAtMs: 0 }
  t.strictSame(toAcquired({ entry, leftMs: 500_000, withdraw }, at(150_000)), {
    ...GRANT,
    issuedAt: at(50_000),
    withdraw,
    replacedAtMs: undefined
  })
  t.equal(
    toAcquired({ entry: { ...entry, replacedBeforeMs: 2_000 }, leftMs: 500_000, withdraw }, at(150_000))
      ?.replacedAtMs,
    48_000
  )
})

t.test('a shared token is checked as the answer of the endpoint is', async (t) => {
  const entry = { fields: { ...FIELDS, access_token: 'a token' }, issuedAtMs: 0 }
  t.equal(toAcquired({ entry, leftMs: 500_000, withdraw }, at(150_000)), undefined)
})
