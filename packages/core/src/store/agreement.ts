import { randomUUID } from 'node:crypto'
import { abortable } from '../support/abortable.js'
import { setBackgroundTimeout } from '../support/clock.js'
import type { Entry } from './entry.js'
import { type Shared, SharedPlace, type SharedStore } from './shared-place.js'

/** A holder that was killed keeps the others waiting no longer than this and a round of `LOCK_AGAIN_MS`. */
const LOCK_MS = 3_000
const RENEW_MS = 1_000
/** How often who waits looks for the result, the first times sooner, and how often for a lock that was given up. */
const LOOK_AGAIN_MS = 250
const FIRST_LOOK_MS = 25
const LOCK_AGAIN_MS = 1_000
const FAILURE_MS = 5_000

/** What a member does alone, and what it takes from others. */
export interface Member<Fetched, Failed> {
  readonly accepts: (shared: Shared) => boolean
  /** Asks the token endpoint. */
  readonly fetch: () => Promise<Fetched | Failed>
  /** What others may have of what was fetched; nothing of a failure. */
  readonly toEntry: (fetched: Fetched | Failed) => { entry: Entry; ttlMs: number } | undefined
  /** What is told to those who wait where nothing was fetched; nothing where it says nothing about the endpoint. */
  readonly toFailure: (failed: Fetched | Failed) => object | undefined
  /** What such a text says; nothing where it is malformed. */
  readonly fromFailure: (text: string) => Failed | undefined
  readonly isEnded: () => boolean
}

/** How an identity's members come to one token. */
export type Agreed<Fetched, Failed> =
  | { readonly shared: Shared }
  | { readonly fetched: Fetched | Failed | undefined; readonly withdraw?: (() => void) | undefined }
  /** Whoever held the lock has failed, in this way. */
  | { readonly failure: Failed }

/**
 * One token for a whole fleet: the one in the store; else the one that this member fetches, while it holds the lock;
 * else the one that whoever holds the lock fetches. Without an answer of the store the member carries on alone.
 */
export async function agree<Fetched, Failed>(
  shared: SharedStore,
  identity: string,
  member: Member<Fetched, Failed>
): Promise<Agreed<Fetched, Failed>> {
  const { clock } = shared
  const place = new SharedPlace(shared, identity, randomUUID())
  const read = () => place.read(member.accepts)

  const found = await read()
  if (found !== undefined) return { shared: found }
  const startedMs = clock.monotonic()
  let lockAtMs = startedMs
  let lookInMs = FIRST_LOOK_MS
  for (;;) {
    if (member.isEnded()) return { fetched: undefined }
    if (clock.monotonic() >= lockAtMs) {
      if (await place.lock(LOCK_MS)) break
      lockAtMs = clock.monotonic() + LOCK_AGAIN_MS
    }
    // Somebody holds it, and is waited for. Not all members look at the same instant.
    await sleep(shared, lookInMs * (0.5 + Math.random()))
    lookInMs = Math.min(2 * lookInMs, LOOK_AGAIN_MS)
    place.renewTime()
    const found = await read()
    if (found !== undefined) return { shared: found }
    if (place.isAlone) break
  }

  const stop = place.isAlone ? () => {} : keepLocked(place, shared)
  try {
    // Between the look and the lock somebody may have written, or failed.
    const late = await read()
    if (late !== undefined) return { shared: late }
    const waitedMs = clock.monotonic() - startedMs
    const told = lockAtMs > startedMs ? await place.readFailure() : undefined
    if (told !== undefined && isSince(told.ttlMs, waitedMs)) {
      const failure = member.fromFailure(told.text)
      if (failure !== undefined) return { failure }
    }

    if (member.isEnded()) return { fetched: undefined }
    const fetched = await member.fetch()
    const written = member.toEntry(fetched)
    if (written !== undefined) {
      return { fetched, withdraw: await place.write(written.entry, written.ttlMs) }
    }
    const failure = member.toFailure(fetched)
    if (failure !== undefined) await place.writeFailure(failure, FAILURE_MS)
    return { fetched }
  } finally {
    stop()
    place.unlock()
  }
}

/** Whether a failure with so much time left was written within the last `waitedMs`. */
function isSince(ttlMs: number, waitedMs: number): boolean {
  return ttlMs <= FAILURE_MS && FAILURE_MS - ttlMs <= waitedMs
}

/** Renews the lock until it is told to stop, or the provider is closed. */
function keepLocked(place: SharedPlace, { clock, closed }: SharedStore): () => void {
  let timer: unknown
  const stop = () => {
    clock.clearTimeout(timer)
    closed.removeEventListener('abort', stop)
  }
  const arm = () => {
    timer = setBackgroundTimeout(
      clock,
      () => {
        place.renewLock(LOCK_MS)
        arm()
      },
      RENEW_MS
    )
  }
  if (!closed.aborted) {
    closed.addEventListener('abort', stop)
    arm()
  }
  return stop
}

async function sleep({ clock, closed }: SharedStore, delayMs: number): Promise<void> {
  let timer: unknown
  const slept = new Promise<void>((resolve) => {
    timer = setBackgroundTimeout(clock, resolve, delayMs)
  })
  await abortable(slept, closed).catch(() => {})
  clock.clearTimeout(timer)
}
