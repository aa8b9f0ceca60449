import fc from 'fast-check'
import { type Behaviour, HEALTHY } from './endpoint.js'
import type { World } from './world.js'

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
      retryAfterS
    })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resets'), delayMs }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: 'garbage' }, { kind: 'hangs' }, { kind: 'hangs in the body' })
  }
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
const named = fc.record({ age: fc.constantFrom(0, 0, 0, 1, 2, 99), by: fc.constantFrom('token', 'id') })

/** All steps, for worlds with these accounts. */
export function steps(accounts: readonly string[]): fc.Arbitrary<Step>[] {
  // Most of it happens to one account.
  const account = fc.constantFrom(accounts[0] as string, accounts[0] as string, ...accounts)
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
    step('reject', [account, named, fc.constantFrom(1, 3)], reject),
    step('invalidate', [account, named], invalidate),
    step('ask for', [account, fc.constantFrom(1_000, 20_000, 300_000, 599_000, 4_000_000)], askFor),
    step('abort', [], abort),
    step(
      'step the wall clock by',
      [fc.constantFrom(-3_600_000, 3_600_000, -60_000, 60_000, 1_000)],
      (world, ms) => world.stepWall(ms)
    ),
    step('suspend for', [fc.constantFrom(1_000, 60_000, 1_200_000)], (world, ms) => world.stepWall(ms)),
    step('rotate the secret', [], (world) => {
      world.endpoint.secretVersion = (world.endpoint.secretVersion % 3) + 1
      world.troubled()
    }),
    step('credentials', [fc.constantFrom('given', 'given', 'throw', 'hang')], (world, credentials) => {
      world.credentials = credentials as World['credentials']
      world.troubled()
    }),
    step('warm up', [account], (world, account) => world.warmUp(account)),
    step('look', [account], look)
  ]
}

/** A caller who has a valid token coming waits for nothing, whatever the endpoint does. */
async function call(world: World, account: string, count: number, canAbort: boolean): Promise<void> {
  const rules = world.rules(account)
  const mustServe = rules.mustServe(world.now)
  const held = rules.held.map(({ token }) => token)
  for (let index = 0; index < count; index++) world.call(account, canAbort ? { canAbort } : {})
  await world.clock.settle()
  if (mustServe) served(world, count, held)
}

async function reject(
  world: World,
  account: string,
  { age, by }: { age: number; by: string },
  count: number
): Promise<void> {
  const rules = world.rules(account)
  const rejected = world.tokenOf(account, age)[by as 'token' | 'id']
  const mustServe = rules.mustServe(world.now)
  const isNamed = rules.names(rejected)
  const isLeft = !isNamed || rules.isYoung(world.now) || rules.hasJustReplaced(world.now)
  const held = rules.held.map(({ token }) => token)
  if (!isLeft) {
    rules.excuses.add('rejected')
    rules.mayBeReplacement = true
  }
  for (let index = 0; index < count; index++) world.call(account, { rejected })
  world.call(account)
  await world.clock.settle()
  if (!mustServe) return
  // Whoever names no cached token, or one that is not replaced now, is served; whoever names none always is.
  served(world, 1, held)
  if (isLeft && !rules.mayBeAcquiring(world.now)) served(world, count + 1, held)
}

function served(world: World, count: number, held: readonly string[]): void {
  for (const { state, token } of world.calls.slice(-count)) {
    if (state !== 'resolved') world.problems.push(`a call is ${state} though there is a valid token`)
    else if (!held.includes(`${token}`)) world.problems.push(`a call is given ${token} instead of ${held}`)
  }
}

async function askFor(world: World, account: string, minimumLifetimeMs: number): Promise<void> {
  world.rules(account).excuses.add('lifetime')
  world.call(account, { minimumLifetimeMs })
  await world.clock.settle()
}

function invalidate(world: World, account: string, { age, by }: { age: number; by: string }): void {
  const rules = world.rules(account)
  const rejected = world.tokenOf(account, age)[by as 'token' | 'id']
  const mustServe = rules.mustServe(world.now)
  const mayDrop = mustServe && rules.names(rejected) && !rules.isYoung(world.now)
  const hasDropped = world.provider.invalidate(rejected, account)
  if (hasDropped && !mayDrop) world.problems.push('a token is dropped that was not named, or too young')
  if (!hasDropped && mayDrop && rules.held.length === 1) {
    world.problems.push('a named token is not dropped')
  }
  if (hasDropped) rules.invalidated()
}

async function abort(world: World): Promise<void> {
  const pending = world.calls.filter(({ state, abort }) => state === 'pending' && abort !== undefined)
  for (const { abort } of pending) abort?.abort(new Error('patience is lost'))
  await world.clock.settle()
  if (pending.some(({ state }) => state !== 'rejected')) world.problems.push('an aborted call goes on')
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

function look(world: World, account: string): void {
  const token = world.provider.peek(account)
  const mustServe = world.rules(account).mustServe(world.now)
  if (token !== undefined) world.handedOut(account, token)
  else if (mustServe) world.problems.push('peek() sees no token')
  const { state, expiresInMs, retryInMs } = world.provider.status(account)
  if ((state === 'empty' || state === 'cooling') !== (token === undefined)) {
    world.problems.push(`the status is "${state}" though there is ${token === undefined ? 'no' : 'a'} token`)
  }
  if ((expiresInMs ?? 1) <= 0 || (retryInMs ?? 1) <= 0) world.problems.push('a status counts down past zero')
}
