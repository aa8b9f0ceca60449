import t from 'tap'
import { isNewest, mayRenew } from '../../support/core-internals.js'

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: 0 })
const life = { lifetimeMs: 600_000, marginMs: 10_000, refreshAgeMs: 570_000, issuedAt: at(10_000) }

t.test(
  'a request for a longer life may start 5 s after the last one, and after the issue of the token',
  async (t) => {
    t.notOk(mayRenew(life, Number.NEGATIVE_INFINITY, at(14_999)))
    t.ok(mayRenew(life, Number.NEGATIVE_INFINITY, at(15_000)))
    t.notOk(mayRenew(life, 12_000, at(16_999)))
    t.ok(mayRenew(life, 12_000, at(17_000)))
  }
)

t.test('the newest token is one that was issued less than 5 s before the acquisition began', async (t) => {
  t.ok(isNewest(at(10_000), { startedAtMs: 14_999 }))
  t.notOk(isNewest(at(10_000), { startedAtMs: 15_000 }))
  t.ok(isNewest(at(10_000), { startedAtMs: 9_000 }), 'or after it')
})
