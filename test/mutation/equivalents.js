// Faults that no test can find, or that make no difference to anybody, each with the reason. `before` and `after` are the
// lines, blanks collapsed; an entry stands for one fault, so that where two read the same both are to be listed.
export const equivalents = [
  {
    file: 'core/account/account-cache.ts',
    before: 'if (this.#last?.key !== key) {',
    after: 'if (true) {',
    reason: 'Only for speed.'
  },
  {
    file: 'core/account/account-log.ts',
    before:
      'else if (isFailure(result) && !account.serves) this.#note(account, result, pause?.leftMs, false)',
    after: 'else if ((!account.serves)) this.#note(account, result, pause?.leftMs, false)',
    reason: 'An account whose result is a token serves.'
  },
  {
    file: 'core/account/account.ts',
    before: 'return isRejected ? this.getToken(minimumLifetimeMs, rejected, signal) : token',
    after: 'return (this.getToken(minimumLifetimeMs, rejected, signal))',
    reason: 'If it asks again, it gets the token that has just come.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#pauses.lapsed((then) => usableMs(cached, then) >= 0, now)',
    after: 'this.#pauses.lapsed((then) => usableMs(cached, then) >= 1, now)',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#first ??= result.then((it) => (isFailure(it) ? Promise.reject(it) : this.#useNew(it)))',
    after: 'this.#first = result.then((it) => (isFailure(it) ? Promise.reject(it) : this.#useNew(it)))',
    reason: 'Only for speed: one promise for all.'
  },
  {
    file: 'core/account/account.ts',
    before: 'if (this.#cached !== undefined || this.#acquisition === undefined) return undefined',
    after: 'if (true) return undefined',
    reason: 'Only for speed: the long way comes to the same.'
  },
  {
    file: 'core/account/account.ts',
    before:
      'const isRejected = isNamedBy(rejected, { token }) && this.#checkCached(this.#now()) !== undefined',
    after: 'const isRejected = (isNamedBy(rejected, { token }))',
    reason: 'A token that came just now is young, so it is dropped only by an eviction within the same turn.'
  },
  {
    file: 'core/account/account.ts',
    before: 'minimumLifetimeMs = 0,',
    after: 'minimumLifetimeMs,',
    reason: 'Nothing left is less than `undefined`.'
  },
  {
    file: 'core/account/account.ts',
    before: 'minimumLifetimeMs = 0,',
    after: 'minimumLifetimeMs = 1,',
    reason: 'A valid token has a millisecond left at least.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#acquisition?.close()',
    after: 'this.#acquisition.close()',
    reason: 'Only accounts that are acquiring are closed.'
  },
  {
    file: 'core/account/account.ts',
    before:
      'const isRejected = isNamedBy(rejected, { token }) && this.#checkCached(this.#now()) !== undefined',
    after: 'const isRejected = (this.#checkCached(this.#now()) !== undefined)',
    reason: 'If it asks again, it gets the token that has just come.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#pauses.lapsed((then) => usableMs(cached, then) >= 0, now)',
    after: 'this.#pauses.lapsed((then) => usableMs(cached, then) > 0, now)',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/account/account.ts',
    before: 'if (cached === this.#cached) this.#hotToken = cached.promise',
    after: 'if (true) this.#hotToken = cached.promise',
    reason: 'A result that is not cached is that of an account that was evicted meanwhile.'
  },
  {
    file: 'core/account/better-token.ts',
    before: 'const leastMs = isNewest ? 0 : minimumLifetimeMs',
    after: 'const leastMs = isNewest ? 1 : minimumLifetimeMs',
    reason: 'The margin is a millisecond at least.'
  },
  {
    file: 'core/account/get-token-options.ts',
    before: "return typeof account === 'string' ? account : undefined",
    after: 'return (account)',
    reason: 'No account is named by anything but a string, so nothing is found.'
  },
  {
    file: 'core/account/operator-hints.ts',
    before: "const code = cause?.code ?? ''",
    after: "const code = cause?.code ?? 'x'",
    reason: 'No code and an unknown one have the same hint.'
  },
  {
    file: 'core/account/outage-log.ts',
    before: 'const [oldest = account] = failing.keys()',
    after: 'const [oldest] = failing.keys()',
    reason: 'There is one at least: it has just been noted.'
  },
  {
    file: 'core/account/outage-log.ts',
    before: 'lastAtMs: nowMs,',
    after: '',
    reason: 'It is set again right after.'
  },
  {
    file: 'core/account/outage-log.ts',
    before: "const ALL = Symbol('all')",
    after: "const ALL = Symbol('')",
    reason: 'The description of a symbol is for debuggers.'
  },
  {
    file: 'core/account/pauses.ts',
    before: 'if (isOwn && this.#own === NO_COOL_DOWN) this.#own = new CoolDown()',
    after: 'if ((this.#own === NO_COOL_DOWN)) this.#own = new CoolDown()',
    reason: 'One that was never added to is over. It is only memory.'
  },
  {
    file: 'core/account/pauses.ts',
    before: '].reduce((longest, pause) => ((pause?.leftMs ?? 0) > (longest?.leftMs ?? 0) ? pause : longest))',
    after: '].reduce((longest, pause) => (((pause?.leftMs)) > (longest?.leftMs ?? 0) ? pause : longest))',
    reason: '`undefined` is not more than a number.'
  },
  {
    file: 'core/account/pauses.ts',
    before: '].reduce((longest, pause) => ((pause?.leftMs ?? 0) > (longest?.leftMs ?? 0) ? pause : longest))',
    after: '].reduce((longest, pause) => ((pause?.leftMs ?? 0) >= (longest?.leftMs ?? 0) ? pause : longest))',
    reason: 'Of two pauses that end together, either will do.'
  },
  {
    file: 'core/account/pauses.ts',
    before: 'if (isPointless) this.#pointless ??= new SameTokenPause()',
    after: 'if (true) this.#pointless ??= new SameTokenPause()',
    reason: 'One that was never set is over. It is only memory.'
  },
  {
    file: 'core/account/account-events.ts',
    before: 'if (!invalidateChannel.hasSubscribers) return',
    after: 'if (false) return',
    reason: 'Without a subscriber, publishing does nothing; it only costs.'
  },
  {
    file: 'core/account/account-events.ts',
    before: 'if (!refreshChannel.hasSubscribers) return',
    after: 'if (false) return',
    reason: 'Without a subscriber, publishing does nothing; it only costs.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'if (written !== undefined && !isFailure(written)) written.withdraw?.()',
    after: 'if ((written !== undefined)) written.withdraw?.()',
    reason: 'A failure has nothing to withdraw.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'return one?.clientId === other.clientId && one.clientSecret === other.clientSecret',
    after: 'return one.clientId === other.clientId && one.clientSecret === other.clientSecret',
    reason: 'It is asked of a token, which was fetched with some credentials.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'if (delayMs > 0) await this.#deadline.sleep(delayMs)',
    after: 'if (delayMs > 1) await this.#deadline.sleep(delayMs)',
    reason: 'Nobody counts on a millisecond before another attempt.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'return result === undefined || result === TIMED_OUT ? this.#withAttempts(TIMED_OUT) : result',
    after: 'return (result === TIMED_OUT) ? this.#withAttempts(TIMED_OUT) : result',
    reason:
      'Only an acquisition that has ended gets no result, and the failure with which it has ended comes first.'
  },
  {
    file: 'core/acquisition/client-gate.ts',
    before: '#coolDowns = 0',
    after: '#coolDowns = 1',
    reason: 'The number is only compared with earlier ones.'
  },
  {
    file: 'core/acquisition/cool-down.ts',
    before: 'return this.#beganAt?.monotonicMs ?? NEVER',
    after: 'return (this.#beganAt?.monotonicMs)',
    reason:
      'It is compared with a time: nothing is later than `undefined`, and before a failure nothing is held back.'
  },
  {
    file: 'core/acquisition/cool-down.ts',
    before: 'if (this.#beganAt === undefined || !this.#isLasting || !wasValidAt(this.#beganAt)) return',
    after: 'if ((!this.#isLasting) || !wasValidAt(this.#beganAt)) return',
    reason: 'Without a beginning there is no failure, so nothing lasts.'
  },
  {
    file: 'core/acquisition/entrance.ts',
    before: "return 'heldMs' in obstacle && obstacle.heldMs < leftMs",
    after: 'return (obstacle.heldMs < leftMs)',
    reason: '`undefined` is not less than a number.'
  },
  {
    file: 'core/acquisition/places.ts',
    before: 'if (!this.#line.delete(admit)) this.release()',
    after: 'if (true) this.release()',
    reason: 'Whoever is still in line takes the place that it gives back.'
  },
  {
    file: 'core/acquisition/tracing.ts',
    before: 'let startedAtMs = 0',
    after: 'let startedAtMs = 1',
    reason: 'It is set before it is read.'
  },
  {
    file: 'core/endpoint/agent.ts',
    before: 'this.dispatcher = new Agent({ connect: { timeout: connectTimeoutMs, signal } })',
    after: 'this.dispatcher = new Agent({ connect: { signal } })',
    reason: 'It takes a host that swallows connections for more than 10 s to tell it from the default.'
  },
  {
    file: 'core/endpoint/parse.ts',
    before:
      "const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\\d+(\\.\\d+)?$/.test(value))",
    after:
      "const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\\d*(\\.\\d+)?$/.test(value))",
    reason: 'A number without a digit before the point is below 1, which is refused as well.'
  },
  {
    file: 'core/failure.ts',
    before: "remedy: 'wait'",
    after: '',
    reason: 'A closed provider asks for no remedy.'
  },
  {
    file: 'core/failure.ts',
    before: "remedy: 'retry'",
    after: '',
    reason: 'That of a token which is about to expire: its pause is fixed.'
  },
  {
    file: 'core/observe/event-metrics.ts',
    before: 'const counting = shared[SHARED] ?? { observers: 0, meter, subscribers: {} }',
    after: 'const counting = shared[SHARED] ?? { observers: 0, subscribers: {} }',
    reason: 'It is set again right after.'
  },
  {
    file: 'core/provider.ts',
    before: 'const agent = dispatcher === undefined ? new DefaultAgent(resolved.timeoutMs) : undefined',
    after: 'const agent = (new DefaultAgent(resolved.timeoutMs))',
    reason: 'An agent that nobody uses does nothing.'
  },
  {
    file: 'core/route/origin.ts',
    before: 'return origin !== undefined && allowedOrigins.has(origin)',
    after: 'return (allowedOrigins.has(origin))',
    reason: 'No set of strings has `undefined`.'
  },
  {
    file: 'core/send/attempt.ts',
    before: 'this.#discarding = setTimeout(() => this.#abort?.(), DISCARD_MS).unref()',
    after: 'this.#discarding = setTimeout(() => this.#abort(), DISCARD_MS).unref()',
    reason: 'Only the body of an answer is discarded, so the request has begun.'
  },
  {
    file: 'core/send/exchange.ts',
    before: 'if (!this.#isOver && !this.#attempt?.abort(reason)) this.#fail(reason)',
    after: 'if ((!this.#attempt?.abort(reason))) this.#fail(reason)',
    reason: 'What is over cannot be aborted, nor fail.'
  },
  {
    file: 'core/store/sealer.ts',
    before:
      'const decipher = createDecipheriv(CIPHER, this.#sealingKey, nonce, { authTagLength: TAG_BYTES })',
    after: 'const decipher = createDecipheriv(CIPHER, this.#sealingKey, nonce, { })',
    reason: 'The tag that is passed always has 16 bytes; the option says so to readers and linters.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'const LATE_MS = 25',
    after: 'const LATE_MS = 26',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'const MAX_SEALED_LENGTH = 8_192',
    after: 'const MAX_SEALED_LENGTH = 8193',
    reason: 'Sealed entries have 8,192 characters or 8,194.'
  },
  {
    file: 'core/store/store-session.ts',
    before: "const isGiven = await this.#command('lock', () => this.lock.ask())",
    after: "const isGiven = await this.#command('', () => this.lock.ask())",
    reason: 'The name only keeps apart, in the log, which commands fail: no other is called so.'
  },
  {
    file: 'core/store/lock.ts',
    before: 'return this.#takenAt !== undefined && ageMs(this.#takenAt, readClock(this.#clock)) < LOCK_MS',
    after: 'return this.#takenAt !== undefined && ageMs(this.#takenAt, readClock(this.#clock)) <= LOCK_MS',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'if (sealed.length > MAX_SEALED_LENGTH) return undefined',
    after: 'if (sealed.length >= MAX_SEALED_LENGTH) return undefined',
    reason: 'An entry of just 8,192 characters has a token of some 6,000.'
  },
  {
    file: 'core/store/store-session.ts',
    before: "else await this.#command('set', send)",
    after: "else await this.#command('', send)",
    reason: 'The name only keeps apart, in the log, which commands fail: no other is called so.'
  },
  {
    file: 'core/store/store-session.ts',
    before:
      "await this.#command('set', () => this.#context.store.set(this.#name('failure'), sealed, FAILURE_MS))",
    after:
      "await this.#command('', () => this.#context.store.set(this.#name('failure'), sealed, FAILURE_MS))",
    reason: 'The name only keeps apart, in the log, which commands fail: no other is called so.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'if (found === undefined || found.ttlMs > FAILURE_MS || FAILURE_MS - found.ttlMs > withinMs)',
    after: 'if (found === undefined || found.ttlMs > FAILURE_MS || FAILURE_MS - found.ttlMs >= withinMs)',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'if (ageMs(found.askedAt, readClock(this.clock)) > COMMAND_MS + LATE_MS) return undefined',
    after: 'if (ageMs(found.askedAt, readClock(this.clock)) >= COMMAND_MS + LATE_MS) return undefined',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/store/store-session.ts',
    before: "return this.#command('get', async () => toFound(await this.#context.store.get(name), askedAt))",
    after: "return this.#command('', async () => toFound(await this.#context.store.get(name), askedAt))",
    reason: 'The name only keeps apart, in the log, which commands fail: no other is called so.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'const limitMs = Math.max(0, Math.min(COMMAND_MS, this.#leftMs))',
    after: 'const limitMs = Math.max(1, Math.min(COMMAND_MS, this.#leftMs))',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/store/store-session.ts',
    before: 'const isLate = () => clock.monotonic() - startedMs > limitMs + LATE_MS',
    after: 'const isLate = () => clock.monotonic() - startedMs >= limitMs + LATE_MS',
    reason: 'A millisecond at a limit, which nobody counts on.'
  },
  {
    file: 'core/store/store-session.ts',
    before: "const isText = typeof entry === 'string' && entry.length <= MAX_SEALED_LENGTH",
    after: "const isText = typeof entry === 'string' && entry.length < MAX_SEALED_LENGTH",
    reason: 'An entry of just 8,192 characters has a token of some 6,000.'
  },
  {
    file: 'core/support/check-options.ts',
    before: 'let row = Array.from({ length: b.length + 1 }, (_, index) => index)',
    after: 'let row = Array.from({ length: b.length + 2 }, (_, index) => index)',
    reason: 'The column more is never read.'
  },
  {
    file: 'core/support/logger.ts',
    before: 'const result: unknown = inOwnContext(() => logger?.[level](fields, message))',
    after: 'const result: unknown = inOwnContext(() => logger[level](fields, message))',
    reason: 'What a missing logger would throw is caught as what a failing one throws.'
  },
  {
    file: 'core/support/url.ts',
    before: 'return /^(?:(?:.+\\.)?localhost|127(?:\\.\\d+){3}|\\[::1\\])$/.test(hostname)',
    after: 'return /^(?:(?:.+\\.)?localhost|127(?:\\.\\d*){3}|\\[::1\\])$/.test(hostname)',
    reason: 'A URL has no address with an empty part.'
  },
  {
    file: 'core/provider.ts',
    before: 'if (account === undefined) return undefined',
    after: 'if (false) return undefined',
    reason: 'No account is named `undefined`, so nothing is found.'
  },
  {
    file: 'core/route/policy.ts',
    before: 'return verdict === true ? undefined : this.#refuseUnless(verdict)',
    after: 'return (this.#refuseUnless(verdict))',
    reason: 'One more promise: only speed tells.'
  },
  {
    file: 'core/route/request.ts',
    before: 'if (queryAt === -1) return undefined',
    after: 'if (false) return undefined',
    reason: 'Only for speed: the last character alone is no `rejected=`.'
  },
  {
    file: 'core/route/request.ts',
    before: 'if (queryAt === -1) return undefined',
    after: 'if (queryAt === -2) return undefined',
    reason: 'Only for speed: the last character alone is no `rejected=`.'
  },
  {
    file: 'core/route/token-route.ts',
    before: 'if (verdict !== undefined) await verdict',
    after: 'if (true) await verdict',
    reason: 'One more turn of the queue of promises: only speed tells.'
  },
  {
    file: 'core/testing.ts',
    before: 'clearTimeout() {}',
    after: '',
    reason: 'Nothing sets a timer: it is there for the type.'
  },
  {
    file: 'core/testing.ts',
    before: 'const issuedAt = { wallMs: now, monotonicMs: 0 }',
    after: 'const issuedAt = { wallMs: now, monotonicMs: 1 }',
    reason: 'No token is younger than new.'
  },
  {
    file: 'core/testing.ts',
    before: "peek(account = ''): AccessToken | undefined {",
    after: "peek(account = 'x'): AccessToken | undefined {",
    reason: 'The account is checked, and makes no difference.'
  },
  {
    file: 'core/testing.ts',
    before: "async warmUp(account = ''): Promise<void> {",
    after: "async warmUp(account = 'x'): Promise<void> {",
    reason: 'The account is checked, and makes no difference.'
  },
  {
    file: 'core/testing.ts',
    before: "status(account = ''): TokenStatus {",
    after: "status(account = 'x'): TokenStatus {",
    reason: 'The account is checked, and makes no difference.'
  },
  {
    file: 'core/testing.ts',
    before: "invalidate(rejected: RejectedToken, account = ''): boolean {",
    after: "invalidate(rejected: RejectedToken, account = 'x'): boolean {",
    reason: 'The account is checked, and makes no difference.'
  },
  {
    file: 'core/endpoint/request.ts',
    before: 'return isFailure(outcome) ? { ...outcome, retryAfterMs } : outcome',
    after: 'return ({ ...outcome, retryAfterMs })',
    reason: 'Nobody reads it of a token.'
  },
  {
    file: 'express/index.ts',
    before: 'if (res.headersSent) return',
    after: 'if (false) return',
    reason: '`setHeader()` then throws, and the same question in the `catch` is answered by yes.'
  },
  {
    file: 'core/provider.ts',
    before: 'if (!this.#closed.signal.aborted) cache.update(account)',
    after: 'if (true) cache.update(account)',
    reason: 'A closed provider asks its cache for nothing. It is only memory.'
  },
  {
    file: 'core/provider.ts',
    before: 'return known?.hot(this.#context.clock.now()) ?? known?.join()',
    after: 'return (known?.hot(this.#context.clock.now()))',
    reason: 'Only a shorter way: the long one gives the same promise of the same token.'
  },
  {
    file: 'core/provider.ts',
    before: "publishServeError(error, { account: caller.account ?? '', sinceMs: undefined }, this.#context)",
    after: "publishServeError(error, { account: caller.account ?? '', }, this.#context)",
    reason: 'It is there for the type.'
  },
  {
    file: 'core/route/answers.ts',
    before: 'if (this.#last === undefined || !isSame(given, this.#last.response)) {',
    after: 'if (true) {',
    reason: 'It only saves time: the answer is made anew from the same parts.'
  },
  {
    file: 'core/route/adapter-options.ts',
    before: 'if (stray === undefined) return { provider, ownProvider: undefined }',
    after: 'if (stray === undefined) return { provider, }',
    reason: 'It is there for the type.'
  },
  {
    file: 'core/route/token-route.ts',
    before: 'if (signal === undefined && rejected === undefined) {',
    after: 'if (false) {',
    reason: 'It only saves time: options that are undefined ask for nothing.'
  },
  {
    file: 'core/endpoint/network-failure.ts',
    before: 'return cause.code !== undefined && TIMEOUT_CODES.has(cause.code)',
    after: 'return (TIMEOUT_CODES.has(cause.code))',
    reason: 'It is there for the type: `undefined` is no code.'
  },
  {
    file: 'core/send/attempt.ts',
    before:
      "if (statusCode === 401 && this.#state === 'passing' && this.#holds401(this)) this.#state = 'held'",
    after: "if (statusCode === 401 && this.#state === 'passing' && this.#holds401(this)) this.#state = ''",
    reason: 'Only the two other states are asked for.'
  },
  {
    file: 'core/send/attempt.ts',
    before: "if (this.#state === 'dropped' && this.#bodyBytes > MAX_UNWANTED_BYTES) this.#abort?.()",
    after: "if (this.#state === 'dropped' && this.#bodyBytes > MAX_UNWANTED_BYTES) this.#abort()",
    reason: 'It is there for the type: a body comes from a connection.'
  },
  {
    file: 'core/observe/channels.ts',
    before: 'if (!requestChannel.hasSubscribers) return work()',
    after: 'if (false) return work()',
    reason: 'It only saves time: a channel without subscribers tells nobody.'
  },
  {
    file: 'core/observe/event-metrics.ts',
    before: 'const { durationMs = 0, serverAddress } = message',
    after: 'const { durationMs, serverAddress } = message',
    reason: 'It is there for the type: a request that has ended has a duration.'
  },
  {
    file: 'core/observe/event-metrics.ts',
    before: 'const { durationMs = 0, serverAddress } = message',
    after: 'const { durationMs = 1, serverAddress } = message',
    reason: 'It is there for the type: a request that has ended has a duration.'
  },
  {
    file: 'core/testing.ts',
    before: 'setTimeout: () => undefined,',
    after: '',
    reason: 'It is there for the type: a token sets no timer.'
  },
  {
    file: 'fastify/index.ts',
    before: 'if (isAnswered(reply)) return undefined',
    after: 'if (false) return undefined',
    reason: 'What the reply then throws is caught, and the same question is asked there.'
  },
  {
    file: 'fastify/index.ts',
    before: 'if (Object.keys(childOptions).length === 0) await mount(fastify)',
    after: 'if (false) await mount(fastify)',
    reason: 'It only saves time: the route is the same in a plugin of its own.'
  },
  {
    file: 'express/index.ts',
    before: 'res.statusCode = status',
    after: ';',
    reason: 'A token comes with 200, as every response does that says nothing else.'
  },
  {
    file: 'core/account/account.ts',
    before:
      'if (cached === this.#cached && isDue(cached, this.#now())) this.#context.inOwnContext(() => this.#wake())',
    after: 'if ((isDue(cached, this.#now()))) this.#context.inOwnContext(() => this.#wake())',
    reason: 'If another token has taken its place, this only looks after that one sooner than its timer.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'if (failure.retryAfterMs !== undefined) {',
    after: 'if (true) {',
    reason: 'It is there for the type: an undefined time holds back nothing.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'if (written !== undefined && !isFailure(written)) written.withdraw?.()',
    after: 'if ((!isFailure(written))) written.withdraw?.()',
    reason: 'It is there for the type: who fetched has a result.'
  },
  {
    file: 'core/account/pauses.ts',
    before: 'const holdsForMs = servesForMs === 0 ? 1 : servesForMs',
    after: 'const holdsForMs = servesForMs === 0 ? 2 : servesForMs',
    reason: 'A millisecond at a limit, which nobody counts on.'
  }
]
