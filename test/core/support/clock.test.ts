import t from 'tap'
import { ageMs } from '../../support/core-internals.js'

const at = (wallMs: number, monotonicMs: number) => ({ wallMs, monotonicMs })

t.test('an age goes by the clock that shows more, and is never negative', (t) => {
  const issuedAt = at(1_000, 50)
  t.equal(ageMs(issuedAt, at(1_500, 550)), 500)
  t.equal(ageMs(issuedAt, at(1_500, 60)), 500, 'the monotonic clock stood still')
  t.equal(ageMs(issuedAt, at(0, 550)), 500, 'the wall clock was set back')
  t.equal(ageMs(issuedAt, at(0, 0)), 0)
  t.end()
})
