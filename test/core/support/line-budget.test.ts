import t from 'tap'
import { LineBudget } from '../../support/core-internals.js'

/** How many lines may be written at this instant. */
function count(budget: InstanceType<typeof LineBudget>, nowMs: number, kept?: number): number {
  let lines = 0
  while (budget.take(nowMs, kept)) lines++
  return lines
}

t.test('so many lines may be written at once, and then one more in each interval', (t) => {
  const budget = new LineBudget(3, 100)
  t.equal(count(budget, 1_050), 3)
  t.equal(count(budget, 1_149), 0)
  t.equal(count(budget, 1_150), 1, 'the intervals count from the first line')
  t.equal(count(budget, 1_249), 0)
  t.equal(count(budget, 1_455), 3, 'three intervals later')
  t.equal(count(budget, 1_549), 0, 'the next one is not over')
  t.equal(count(budget, 1_550), 1)
  t.end()
})

t.test('unused lines add up to no more than can be written at once', (t) => {
  const budget = new LineBudget(3, 100)
  t.equal(count(budget, 0), 3)
  t.equal(count(budget, 100_000), 3)
  t.end()
})

t.test('some lines can be kept for what matters more', (t) => {
  const budget = new LineBudget(3, 100)
  t.equal(count(budget, 0, 2), 1)
  t.equal(count(budget, 0, 2), 0)
  t.equal(count(budget, 0), 2)
  t.end()
})

t.test('the clock may be negative', (t) => {
  const budget = new LineBudget(3, 100)
  t.equal(count(budget, -1_000_000), 3)
  t.equal(count(budget, -999_900), 1)
  t.end()
})
