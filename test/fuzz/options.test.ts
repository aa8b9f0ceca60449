import assert from 'node:assert/strict'
import { TokenProvider, type TokenProviderOptions } from '@bandwidth-token/core'
import { TokenRoute } from '@bandwidth-token/core/adapter'
import fc from 'fast-check'
import t from 'tap'
import { outcomeOf } from './error-shape.js'
import { ADAPTER, CORE, junk, MARK, type OptionValues } from './option-values.js'
import { runs } from './settings.js'

for (const name of Object.keys(process.env)) if (name.startsWith('BW_')) delete process.env[name]

type Options = Record<string, unknown>
type Build = (options: unknown) => unknown

const build = (options: unknown) => new TokenProvider(options as TokenProviderOptions)
const buildRoute = (options: unknown) => new TokenRoute(options)

/** Options that are right, a different choice of them each time; what must be there always is. */
function goodOptions(values: Readonly<Record<string, OptionValues>>, required: readonly string[]) {
  const model = Object.fromEntries(Object.entries(values).map(([name, { good }]) => [name, good]))
  return fc.record(model, { requiredKeys: [...required] }).map((options) => consistent({ ...options }))
}

/** The rules between options. */
function consistent(options: Options): Options {
  const { refreshAheadMs = 30_000, expiryMarginMs = 10_000 } = options as TokenProviderOptions
  if (refreshAheadMs < expiryMarginMs) delete options['refreshAheadMs']
  if (expiryMarginMs > 30_000) delete options['expiryMarginMs']
  if (options['decorateAs'] !== undefined && options['path'] === undefined) options['path'] = '/other'
  return options
}

const credentials = ['clientId', 'clientSecret']
const coreOptions = goodOptions(CORE, credentials)
const routeOptions = goodOptions({ ...CORE, ...ADAPTER }, [...credentials, 'authorize'])

/** One option that is wrong, and its name. */
function badOption(values: Readonly<Record<string, OptionValues>>) {
  return fc
    .constantFrom(...Object.entries(values))
    .chain(([name, { bad }]) => fc.record({ name: fc.constant(name), value: bad }))
}

/** The error that bad options cause. It names the option and does not repeat what was given. */
async function refusal(build: Build, options: unknown): Promise<string> {
  const { error } = await outcomeOf(() => build(options), [MARK])
  assert.ok(error, 'it is refused')
  assert.equal(error.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
  return error.message
}

for (const [what, build_, options, values] of [
  ['provider', build, coreOptions, CORE],
  ['token route', buildRoute, routeOptions, { ...CORE, ...ADAPTER }]
] as const) {
  t.test(`a ${what} is made of any options that are right, and leaves them as they were`, async () => {
    await fc.assert(
      fc.asyncProperty(options, async (options) => {
        const before = { ...options }
        Object.freeze(options)
        await outcomeOf(() => build_(options)).then(({ error }) => assert.ifError(error))
        assert.deepEqual(Object.keys(options), Object.keys(before))
      }),
      runs(2_000)
    )
  })

  t.test(`a ${what} refuses an option that is wrong, by its name`, async () => {
    await fc.assert(
      fc.asyncProperty(options, badOption(values), async (options, { name, value }) => {
        const message = await refusal(build_, { ...options, [name]: value })
        assert.ok(message.startsWith(`Invalid option "${name}": expected `), message)
      }),
      runs(4_000)
    )
  })

  t.test(`a ${what} refuses an option that it does not know, with the spelling that was meant`, async () => {
    const misspelt = fc
      .tuple(fc.constantFrom(...Object.keys(values)), fc.nat(), fc.constantFrom('', 'x', '_'))
      .map(([name, at, text]) => ({ name, wrong: changed(name, at, text) }))
    await fc.assert(
      fc.asyncProperty(options, misspelt, junk, async (options, { name, wrong }, value) => {
        fc.pre(!Object.hasOwn(values, wrong) && wrong.length > 4)
        const message = await refusal(build_, { ...options, [wrong]: value })
        assert.ok(message.startsWith(`Invalid option "${wrong}": `), message)
        // Where a letter is missing or too many, the option that was meant is the nearest.
        assert.ok(message.includes(`"${name}"`), message)
      }),
      runs(1_500)
    )
  })

  t.test(`a ${what} makes a coded error of whatever is no options object`, async () => {
    await fc.assert(
      fc.asyncProperty(junk, async (value) => {
        const { error } = await outcomeOf(() => build_(value), [MARK])
        assert.equal(error?.code, 'ERR_BANDWIDTH_TOKEN_OPTION_INVALID')
      }),
      runs(2_000)
    )
  })
}

function changed(name: string, at: number, text: string): string {
  const place = at % name.length
  return text === ''
    ? name.slice(0, place) + name.slice(place + 1)
    : name.slice(0, place) + text + name.slice(place)
}

t.test('the environment is held to the same rules', async () => {
  const VARIABLES = { BW_CLIENT_ID: 'clientId', BW_CLIENT_SECRET: 'clientSecret', BW_TOKEN_URL: 'tokenUrl' }
  const variable = fc.constantFrom(...Object.entries(VARIABLES)).chain(([name, option]) =>
    fc.record({
      name: fc.constant(name),
      option: fc.constant(option),
      isGood: fc.boolean(),
      good: CORE[option]?.good ?? fc.constant(''),
      bad: CORE[option]?.bad ?? fc.constant('')
    })
  )
  try {
    await fc.assert(
      fc.asyncProperty(variable, async ({ name, option, isGood, good, bad }) => {
        const value = isGood ? good : bad
        // What no environment can hold, something else becomes of.
        fc.pre(typeof value === 'string' && !value.includes('\0') && Buffer.from(value).toString() === value)
        Object.assign(process.env, { BW_CLIENT_ID: 'client', BW_CLIENT_SECRET: 'secret', BW_TOKEN_URL: '' })
        process.env[name] = value
        const { error } = await outcomeOf(() => build({}), [MARK])
        if (isGood || (name === 'BW_TOKEN_URL' && value === '')) assert.ifError(error)
        else assert.ok(error?.message.includes(name === 'BW_TOKEN_URL' ? name : `"${option}"`))
      }),
      runs(2_000)
    )
  } finally {
    for (const name of Object.keys(VARIABLES)) delete process.env[name]
  }
})

t.test('an option of a polluted prototype is none', async () => {
  fc.assert(
    fc.property(coreOptions, badOption({ ...CORE, ...ADAPTER }), (options, { name, value }) => {
      build(Object.assign(Object.create({ [name]: value }), options))
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
      try {
        build(options)
      } finally {
        Reflect.deleteProperty(Object.prototype, name)
      }
    }),
    // Each pollution makes the engine forget what it has optimised.
    runs(200)
  )
})
