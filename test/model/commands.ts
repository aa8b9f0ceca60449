import fc from 'fast-check'
import { type Behaviour, HEALTHY } from './endpoint.js'
import type { Call, Callback, World } from './world.js'

/** What happens next. It changes the world and looks whether the rules still hold. */
class Step implements fc.AsyncCommand<object, World> {
  constructor(
    readonly name: string,
    readonly act: (world: World) => unknown
  ) {}

  check(): boolean {
    return true
  }

  async run(_model: object, world: World): Promise<void> {
    await this.act(world)
    await world.check()
  }

  toString(): string {
    return this.name
  }
}

const step = <Args extends unknown[]>(
  name: string,
  args: { [Index in keyof Args]: fc.Arbitrary<Args[Index]> },
  act: (world: World, ...args: Args) => unknown
): fc.Arbitrary<Step> =>
  fc
    .tuple(...(args as fc.Arbitrary<unknown>[]))
    .map(
      (values) =>
        new Step(`${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`, (world) =>
          act(world, ...(values as Args))
        )
    )

const lifetimeS = fc.oneof(
  fc.constantFrom(1, 1, 2, 4, 5, 6, 6, 8, 10, 20, 40, 60, 100, 120, 400, 600, 3_600, 86_400),
  fc.integer({ min: 1, max: 900 })
)
const delayMs = fc.constantFrom(0, 0, 1, 300, 1_000, 3_000, 3_999, 4_000, 6_000)
const retryAfterS = fc.option(fc.constantFrom(0, 1, 3, 9, 20, 120, 299), { nil: undefined })

const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(HEALTHY) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('grants'), lifetimeS, delayMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeats'), lifetimeS }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('answers'),
      status: fc.constantFrom(204, 302, 400, 401, 403, 404, 408, 429, 500, 503, 503),
      retryAfterS,
      delayMs
    })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resets'), delayMs }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: 'garbage' }, { kind: 'hangs' }, { kind: 'hangs in the body' })
  }
) as fc.Arbitrary<Behaviour>

const slow: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.record({ kind: fc.constant('grants'), lifetimeS, delayMs: fc.constantFrom(300, 2_000, 3_999) }),
  fc.record({
    kind: fc.constant('answers'),
    status: fc.constantFrom(401, 404, 429, 503),
    retryAfterS,
    delayMs: fc.constantFrom(300, 2_000, 3_999)
  }),
  fc.constant({ kind: 'hangs' })
) as fc.Arbitrary<Behaviour>

export const livesFor: fc.Arbitrary<Behaviour> = fc
  .constantFrom(1, 2, 4, 5, 6, 8, 20, 60, 100, 120, 400, 600, 3_600)
  .map((lifetimeS) => ({ kind: 'grants', lifetimeS, delayMs: 0 }))

const passingMs = fc.oneof(
  fc.constantFrom(
    0,
    1,
    100,
    500,
    1_000,
    4_000,
    5_000,
    10_000,
    30_000,
    60_000,
    570_000,
    585_000,
    590_000,
    600_000
  ),
  fc.integer({ min: 0, max: 20_000 }),
  fc.integer({ min: 0, max: 700_000 }),
  fc.constantFrom(3_600_000, 4 * 3_600_000)
)

/** The share of a token's life that is over: about where something has to happen, or just has. */
const shareOfLife = fc.constantFrom(0.5, 0.74, 0.76, 0.85, 0.89, 0.91, 0.94, 0.96, 0.98, 0.99, 1.01)

/** Which token somebody names: by its age, 0 the newest; by its string or its id. */
interface Named {
  readonly age: number
  readonly by: 'token' | 'id'
}

const named: fc.Arbitrary<Named> = fc.record({
  age: fc.constantFrom(0, 0, 0, 1, 2, 99),
  by: fc.constantFrom('token', 'id')
})

/** What may happen in the same tick as something else. */
export class Act {
  constructor(
    readonly name: string,
    readonly run: (world: World) => void
  ) {}

  toString(): string {
    return this.name
  }
}

const act = <Args extends unknown[]>(
  name: string,
  args: { [Index in keyof Args]: fc.Arbitrary<Args[Index]> },
  run: (world: World, ...args: Args) => unknown
): fc.Arbitrary<Act> =>
  fc.tuple(...(args as fc.Arbitrary<unknown>[])).map(
    (values) =>
      new Act(`${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`, (world) => {
        run(world, ...(values as Args))
      })
  )

const minimumLifetimeMs = fc.constantFrom(1_000, 20_000, 300_000, 599_000, 4_000_000)

function someAccount(accounts: readonly string[]): fc.Arbitrary<string> {
  // Most of it happens to one account.
  return fc.constantFrom(accounts[0] as string, accounts[0] as string, ...accounts)
}

/** A few acts for one tick. */
export function acts(accounts: readonly string[]): fc.Arbitrary<Act[]> {
  const account = someAccount(accounts)
  const one = fc.oneof(
    act('call', [account, fc.boolean()], (world, account, canAbort) => world.call(account, { canAbort })),
    act('ask for', [account, minimumLifetimeMs], askFor),
    act('reject', [account, named], (world, account, named) => reject(world, account, named)),
    act('invalidate', [account, named], invalidate),
    act('abort', [], (world) => world.abortAll()),
    act('warm up', [account], (world, account) => world.warmUp(account)),
    act('look', [account], (world, account) => world.look(account))
  )
  return fc.array(one, { minLength: 1, maxLength: 4 })
}

export const callback: fc.Arbitrary<Callback> = fc.constantFrom('credentials', 'logger', 'endpoint')

/** All steps, for worlds with these accounts; in some, crowds come. */
export function steps(accounts: readonly string[], hasCrowds: boolean): fc.Arbitrary<Step>[] {
  const account = someAccount(accounts)
  return [
    ...Array.from({ length: 4 }, () =>
      step('call', [account, fc.constantFrom(1, 1, 2, 20), fc.boolean()], call)
    ),
    ...Array.from({ length: 2 }, () => step('pass', [passingMs], pass)),
    ...Array.from({ length: 2 }, () => step('pass to', [account, shareOfLife], passTo)),
    step('behave', [fc.oneof(behaviour, livesFor)], (world, behaviour) => {
      world.endpoint.behaviour = behaviour
      world.troubled()
    }),
    step('reject', [account, named, fc.constantFrom(1, 3)], rejectAndLook),
    step('invalidate', [account, named], invalidate),
    step('ask for', [account, minimumLifetimeMs], async (world, account, minimumLifetimeMs) => {
      askFor(world, account, minimumLifetimeMs)
      await world.settle()
    }),
    step('abort', [], abort),
    step(
      'step the wall clock by',
      [fc.constantFrom(-3_600_000, 3_600_000, -60_000, 60_000, 1_000)],
      (world, ms) => world.stepWall(ms)
    ),
    step('suspend for', [fc.constantFrom(1_000, 60_000, 1_200_000)], (world, ms) => world.stepWall(ms)),
    step(
      'freeze for',
      [
        fc.constantFrom(500, 2_500, 5_250, 12_000, 12_000, 60_000, 700_000),
        fc.boolean(),
        fc.constantFrom(1, 1, 1, 5)
      ],
      freeze
    ),
    step('overtake', [account, slow, account, behaviour], overtake),
    step('rotate the secret', [], (world) => {
      world.endpoint.secretVersion = (world.endpoint.secretVersion % 3) + 1
      world.troubled()
    }),
    step('credentials', [fc.constantFrom('given', 'given', 'throw', 'hang')], (world, credentials) => {
      world.credentials = credentials as World['credentials']
      world.troubled()
    }),
    step('warm up', [account], (world, account) => world.warmUp(account)),
    ...Array.from({ length: 2 }, () => step('look', [account], (world, account) => world.look(account))),
    step('at once', [acts(accounts)], burst),
    step('from within', [callback, acts(accounts)], (world, where, acts) =>
      world.setTrap(where, () => runAll(world, acts))
    ),
    ...(hasCrowds ? Array.from({ length: 3 }, () => step('crowd', [fc.constantFrom(5, 70)], crowd)) : [])
  ]
}

export function runAll(world: World, acts: readonly Act[]): void {
  for (const { run } of acts) run(world)
}

async function burst(world: World, acts: readonly Act[]): Promise<void> {
  runAll(world, acts)
  await world.settle()
}

/** Many accounts that have no token call at once. */
async function crowd(world: World, count: number): Promise<void> {
  for (let index = 0; index < count; index++) world.call(`crowd-${world.calls.length % 90}`)
  await world.settle()
}

async function freeze(world: World, ms: number, socketsFirst: boolean, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await world.freeze(ms, socketsFirst)
}

/** A request is still in flight when one that began after it ends. */
async function overtake(
  world: World,
  account: string,
  slow: Behaviour,
  other: string,
  fast: Behaviour
): Promise<void> {
  world.endpoint.behaviour = slow
  world.call(account)
  await world.settle()
  world.endpoint.behaviour = fast
  world.call(other)
  await world.settle()
  world.troubled()
}

/** A caller who has a valid token coming waits for nothing, whatever the endpoint does; who is refused neither. */
async function call(world: World, account: string, count: number, canAbort: boolean): Promise<void> {
  const rules = world.rules(account)
  const mustServe = rules.mustServe(world.now)
  const mustRefuse = !mustServe && rules.held.length === 0 && rules.mustRefuse(world.now)
  const held = rules.held.map(({ token }) => token)
  const { invalidations } = rules
  const calls = Array.from({ length: count }, () => world.call(account, { canAbort }))
  await world.settle()
  if (mustServe && rules.invalidations === invalidations) served(world, calls, held)
  if (mustRefuse && calls.some(({ state }) => state !== 'rejected')) {
    world.complain(`account "${account}": a call is not refused in a cool-down`)
  }
}

/** Names a token as rejected; says whether it must be kept all the same. */
function reject(world: World, account: string, { age, by }: Named, count = 1) {
  const rules = world.rules(account)
  const rejected = world.tokenOf(account, age)[by]
  rules.mustServe(world.now)
  const isLeft = !rules.names(rejected) || rules.isYoung(world.now) || rules.hasJustReplaced(world.now)
  if (!isLeft) {
    rules.excuses.add('rejected')
    rules.mayBeReplacement = true
  }
  const calls = Array.from({ length: count }, () => world.call(account, { rejected }))
  return { isLeft, calls }
}

async function rejectAndLook(world: World, account: string, named: Named, count: number): Promise<void> {
  const rules = world.rules(account)
  const mustServe = rules.mustServe(world.now)
  const held = rules.held.map(({ token }) => token)
  const isFlying = rules.flight !== undefined
  const { invalidations } = rules
  const { isLeft, calls } = reject(world, account, named, count)
  const other = world.call(account)
  await world.settle()
  // It may have been dropped from within a callback.
  if (!mustServe || rules.invalidations > invalidations) return
  // Whoever names no cached token, or one that is not replaced now, is served; whoever names none always is.
  served(world, [other], held)
  if (isLeft && !isFlying) served(world, calls, held)
}

function served(world: World, calls: readonly Call[], held: readonly string[]): void {
  for (const { state, token } of calls) {
    if (state !== 'resolved') world.complain(`a call is ${state} though there is a valid token`)
    else if (!held.includes(`${token}`)) world.complain(`a call is given ${token} instead of ${held}`)
  }
}

function askFor(world: World, account: string, minimumLifetimeMs: number): void {
  world.rules(account).excuses.add('lifetime')
  world.call(account, { minimumLifetimeMs })
}

function invalidate(world: World, account: string, { age, by }: Named): void {
  world.invalidate(account, world.tokenOf(account, age)[by])
}

async function abort(world: World): Promise<void> {
  const pending = world.abortAll()
  await world.settle()
  if (pending.some(({ state }) => state !== 'rejected')) world.complain('an aborted call goes on')
}

async function pass(world: World, ms: number): Promise<void> {
  if (isTroubled(world)) world.troubled()
  await world.clock.advance(ms)
  if (isTroubled(world)) world.troubled()
}

function passTo(world: World, account: string, share: number): Promise<void> {
  const newest = world.endpoint.granted.get(account)?.at(-1)
  const { monotonicMs } = world.now
  return pass(
    world,
    newest === undefined
      ? 0
      : Math.max(0, newest.issuedAt.monotonicMs + share * newest.lifetimeMs - monotonicMs)
  )
}

function isTroubled({ endpoint: { behaviour }, credentials }: World): boolean {
  const isHealthy = behaviour.kind === 'grants' && behaviour.lifetimeS >= 30 && behaviour.delayMs <= 300
  return !isHealthy || credentials !== 'given'
}
