import t from 'tap'
import { AccountCache } from '../../support/core-internals.js'

type Account = NonNullable<ReturnType<InstanceType<typeof AccountCache>['get']>>

const account = (key: string, changes: object = {}) => {
  const calls: string[] = []
  const it = {
    key,
    hasToken: false,
    serves: false,
    isAcquiring: false,
    calls,
    forget: () => calls.push('forget'),
    close: () => calls.push('close'),
    ...changes
  }
  return it as typeof it & Account
}
const WITH_TOKEN = { hasToken: true, serves: true }

t.test('finds each account in the cache that it belongs to now', async (t) => {
  const cache = new AccountCache(2, () => t.fail())
  const ada = account('ada')
  t.equal(cache.get('ada'), undefined)
  cache.update(ada)
  t.equal(cache.get('ada'), ada)
  Object.assign(ada, WITH_TOKEN)
  cache.update(ada)
  for (const key of ['a', 'b', 'c']) cache.update(account(key))
  t.equal(cache.get('ada'), ada, 'those without a token evict none')
  t.equal(cache.get('a'), undefined, 'but one another')
  ada.hasToken = false
  cache.update(ada)
  t.strictSame(ada.calls, ['forget'], 'it has lost its token')
  for (const key of ['d', 'e']) cache.update(account(key))
  t.equal(cache.get('ada'), undefined)
})

t.test('evicts the account that was used longest ago, and tells of a token that is lost', async (t) => {
  let evictions = 0
  const cache = new AccountCache(2, () => evictions++)
  const of = (key: string) => account(key, WITH_TOKEN)
  const [a, b, c, d] = [of('a'), of('b'), of('c'), of('d')]
  for (const each of [a, b]) cache.update(each)
  cache.get('a')
  cache.update(c)
  t.equal(cache.get('b'), undefined)
  t.strictSame(b.calls, ['forget'])
  t.equal(evictions, 1)
  Object.assign(a, { serves: false })
  cache.update(d)
  t.strictSame(a.calls, ['forget'])
  t.equal(evictions, 1, 'a token past its hard line is no loss')
})

t.test('does not evict an account whose acquisition is in flight', async (t) => {
  const cache = new AccountCache(1, () => t.fail())
  const busy = account('busy', { isAcquiring: true })
  cache.update(busy)
  cache.update(account('a'))
  cache.get('a')
  t.equal(cache.get('busy'), busy)
  busy.isAcquiring = false
  cache.update(busy)
  cache.update(account('b'))
  t.equal(cache.get('busy'), undefined)
})

t.test('drops all accounts when it is closed, and ends what is in flight', async (t) => {
  const cache = new AccountCache(9, () => t.fail())
  const [busy, full, empty] = [
    account('busy', { isAcquiring: true }),
    account('full', WITH_TOKEN),
    account('empty')
  ]
  for (const each of [busy, full, empty]) cache.update(each)
  cache.get('busy')
  cache.close()
  t.strictSame(
    [busy, full, empty].map(({ calls }) => calls),
    [['close'], ['forget'], []]
  )
  for (const key of ['busy', 'full', 'empty']) t.equal(cache.get(key), undefined)
})
