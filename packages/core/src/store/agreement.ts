import type { Entry } from './entry.js'
import { type SharedToken, type StoreContext, StoreSession } from './store-session.js'

/**
 * A waiting member looks for the result about this long after the last look. The first looks come sooner. It asks for
 * the lock again every `LOCK_AGAIN_MS`.
 */
const LOOK_AGAIN_MS = 250
const FIRST_LOOK_MS = 25
const LOCK_AGAIN_MS = 1_000

/** What one member does by itself, and what it accepts from the others. */
export interface Member<Fetched, Failed> {
  /** Whether a request would have to wait now, for a probe or for `Retry-After`. */
  readonly hasToWait: () => boolean
  /**
   * Resolves once a request may be sent, so that nobody holds the lock while it waits for that; with a failure, if none
   * may be sent. Never rejects.
   */
  readonly takePlace: () => Promise<Failed | undefined>
  readonly leavePlace: () => void
  readonly accepts: (shared: SharedToken) => boolean
  /** Requests a token from the endpoint. */
  readonly fetch: () => Promise<Fetched | Failed>
  /** The entry to share. `undefined` for a failure. */
  readonly toEntry: (fetched: Fetched | Failed) => { entry: Entry; ttlMs: number } | undefined
  /** What to tell the waiting members about a failure. `undefined` if it says nothing about the endpoint. */
  readonly toFailure: (failed: Fetched | Failed) => object | undefined
  /** Reads such a text. `undefined` if it is missing or malformed. */
  readonly fromFailure: (text: string | undefined) => Failed | undefined
  readonly isEnded: () => boolean
}

/** The result of an agreement between the members of one identity. */
export type Agreed<Fetched, Failed> =
  | { readonly shared: SharedToken }
  /** Without `fetched`, the acquisition ended before there was a result. */
  | { readonly fetched?: Fetched | Failed; readonly withdraw?: (() => void) | undefined }
  /** The holder of the lock has failed, in this way. */
  | { readonly failure: Failed }

/**
 * One token for a whole fleet. It is the one in the store, if there is one. Otherwise the member that takes the lock
 * fetches it, and the others wait for the result. If the store does not answer, this member fetches alone.
 */
export async function agree<Fetched, Failed>(
  context: StoreContext,
  identity: string,
  member: Member<Fetched, Failed>
): Promise<Agreed<Fetched, Failed>> {
  const session = new StoreSession(context, identity, member.accepts)
  const found = await session.read()
  if (found !== undefined) return { shared: found }
  const refused = await member.takePlace()
  if (refused !== undefined) return { fetched: refused }
  const waited = (await takeLock(session, member)) ? undefined : await waitForHolder(session, member)
  return waited ?? fetchLocked(session, member)
}

/** Takes the lock for a member that has a place. If another one has the lock, gives the place back. */
async function takeLock(
  session: StoreSession,
  member: Pick<Member<never, never>, 'leavePlace' | 'isEnded'>
): Promise<boolean> {
  const isHeld = !member.isEnded() && (await session.takeLock())
  if (!isHeld) member.leavePlace()
  return isHeld
}

/** What the holder of the lock came to; `undefined` once this member holds the lock, or is alone. */
async function waitForHolder<Fetched, Failed>(
  session: StoreSession,
  member: Member<Fetched, Failed>
): Promise<Agreed<Fetched, Failed> | undefined> {
  const { clock } = session
  const startedMs = clock.monotonic()
  let lockAtMs = startedMs + LOCK_AGAIN_MS
  let lookInMs = FIRST_LOOK_MS
  while (!member.isEnded()) {
    // A random time, so that not all members look at the same instant.
    await session.sleep(lookInMs * (0.5 + Math.random()))
    lookInMs = Math.min(2 * lookInMs, LOOK_AGAIN_MS)
    session.renewTime()
    const found = await session.read()
    if (found !== undefined) return { shared: found }
    const nowMs = clock.monotonic()
    if (nowMs >= lockAtMs) {
      const failure = member.fromFailure(await session.readFailure(nowMs - startedMs))
      if (failure !== undefined) return { failure }
      lockAtMs = nowMs + LOCK_AGAIN_MS
      // While this member may send no request, it goes on looking for the token of another one.
      if (member.hasToWait()) continue
      const refused = await member.takePlace()
      if (refused !== undefined) return { fetched: refused }
      // Three commands of a slow store would use up the time, and then this member would fetch alone.
      session.renewTime()
      const isHeld = await takeLock(session, member)
      session.renewTime()
      if (isHeld) return undefined
    }
    if (session.isAlone) return undefined
  }
  return {}
}

async function fetchLocked<Fetched, Failed>(
  session: StoreSession,
  member: Member<Fetched, Failed>
): Promise<Agreed<Fetched, Failed>> {
  try {
    // Between the last look and the lock, another member may have written an entry.
    const found = await session.read()
    if (found !== undefined) return { shared: found }
    // After a freeze another run of this member has begun. It is the one that fetches.
    if (member.isEnded()) return {}
    const stopRenewing = session.lock.keep()
    // No renewal is sent once there is something to write: carried out late, it could take the lock again.
    const fetched = await member.fetch().finally(stopRenewing)
    const written = member.toEntry(fetched)
    if (written !== undefined) {
      return { fetched, withdraw: await session.write(written.entry, written.ttlMs) }
    }
    const failure = member.toFailure(fetched)
    if (failure !== undefined) await session.writeFailure(failure)
    return { fetched }
  } finally {
    session.unlock()
  }
}
