import { checkOptions, type OptionRule } from '@bandwidth-token/core/adapter'
import t from 'tap'
import { hasMethods, listOf } from '../../support/core-internals.js'
import { thrownBy } from '../../support/outcomes.js'

const ANY: OptionRule = [() => true, 'anything']
const EVEN = listOf((value) => Number(value) % 2 === 0, 'a list of even numbers')

t.test('options', async (t) => {
  t.test('are copied without a prototype, and those that are undefined left out', async (t) => {
    const checked = checkOptions({ a: 1, b: undefined, c: null }, { a: ANY, b: ANY, c: ANY })
    t.strictSame({ ...checked }, { a: 1, c: null })
    t.equal(Object.getPrototypeOf(checked), null)
  })

  t.test('are known only by the own names of their rules', async (t) => {
    for (const name of ['toString', 'constructor', 'valueOf']) {
      t.match(
        thrownBy(() => checkOptions({ [name]: 1 }, { a: ANY })),
        { message: `Invalid option "${name}": expected one of the options a; got a number.` }
      )
    }
  })

  t.test('are suggested by the nearest name, wherever it stands', async (t) => {
    for (const [given, names, expected] of [
      ['tokenURI', ['tokenUri', 'tokenUrl'], 'the spelling "tokenUri"'],
      ['tokenURI', ['tokenUrl', 'tokenUri'], 'the spelling "tokenUri"'],
      ['scopes', ['scope', 'store'], 'the spelling "scope"'],
      ['refreshA', ['store', 'refreshAheadMs'], 'the spelling "refreshAheadMs"'],
      ['refresh', ['store', 'refreshAheadMs'], 'the spelling "refreshAheadMs"'],
      ['refres', ['store', 'refreshAheadMs'], 'one of the options store, refreshAheadMs'],
      ['t', ['tokenUrl', 'timeoutMs'], 'one of the options tokenUrl, timeoutMs'],
      ['abcdef', ['abcdxy'], 'the spelling "abcdxy"'],
      ['abcde', ['abcxy'], 'one of the options abcxy']
    ] as const) {
      t.match(
        thrownBy(() => checkOptions({ [given]: 1 }, Object.fromEntries(names.map((name) => [name, ANY])))),
        { message: `Invalid option "${given}": expected ${expected}; got a number.` }
      )
    }
  })
})

t.test('an object is recognised by all of its methods', (t) => {
  const isBoth = hasMethods('get', 'set')
  t.equal(isBoth({ get() {}, set() {} }), true)
  for (const value of [{ get() {} }, { set() {} }, { get: 1, set() {} }, {}, null, undefined, 5]) {
    t.equal(isBoth(value), false)
  }
  t.end()
})

t.test('a list', (t) => {
  const [isEven, , describe] = EVEN
  for (const good of [[], [2], [2, 4]]) t.equal(isEven(good), true)
  for (const bad of [[1], [2, 1], new Array(1), new Set([2]), '2', null, undefined])
    t.equal(isEven(bad), false)
  t.equal(describe?.([2, 4, 'x', 1]), 'an array whose entry [2] is a string')
  t.equal(describe?.([2]), undefined)
  t.equal(describe?.('x'), undefined)
  const [isPair] = listOf(() => true, 'two or more', 2)
  t.strictSame([[1], [1, 2], [1, 2, 3]].map(isPair), [false, true, true])
  t.end()
})
