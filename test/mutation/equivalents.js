// Faults that no test can find, each with the reason. `before` and `after` are the lines, blanks collapsed; an entry
// stands for one fault, so that where two read the same both are to be listed.
export const equivalents = [
  {
    file: 'core/account/account.ts',
    before:
      'const isRejected = isNamedBy(rejected, { token }) && this.#checkCached(this.#now()) !== undefined',
    after: 'const isRejected = (isNamedBy(rejected, { token }))',
    reason: 'A token that came just now is young, so it is dropped only by an eviction within the same turn.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#hotUntilMs = isAdopted ? hotUntilMs(next) : NEVER',
    after: 'this.#hotUntilMs = (hotUntilMs(next))',
    reason: 'A token that is not adopted is due sooner than the one that is kept.'
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
    before: 'this.#hotUntilMs = NEVER',
    after: ';',
    reason: 'An account that has forgotten its token is not where the hot path looks for one.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#hotUntilMs = NEVER',
    after: ';',
    reason:
      'Of a grant that is not adopted: a token that is kept keeps its line, and one without leaves its shelf.'
  },
  {
    file: 'core/account/account.ts',
    before: 'this.#acquisition?.close()',
    after: 'this.#acquisition.close()',
    reason: 'Only accounts that are acquiring are closed.'
  },
  {
    file: 'core/acquisition/acquisition.ts',
    before: 'if (delayMs > 0) await this.#sleep(delayMs)',
    after: 'if (delayMs > 1) await this.#sleep(delayMs)',
    reason: 'A backoff below a millisecond, drawn once in a hundred times, is not to be told from none.'
  },
  {
    file: 'core/endpoint/agent.ts',
    before: 'this.dispatcher = new Agent({ connect: { timeout: connectTimeoutMs, signal } })',
    after: 'this.dispatcher = new Agent({ connect: { signal } })',
    reason: 'It takes a host that swallows connections for more than 10 s to tell it from the default.'
  },
  {
    file: 'core/endpoint/network-failure.ts',
    before: "return TIMEOUT_CODES.has(cause.code ?? '')",
    after: 'return TIMEOUT_CODES.has((cause.code))',
    reason: 'No set of strings has `undefined`.'
  },
  {
    file: 'core/endpoint/network-failure.ts',
    before: "return TIMEOUT_CODES.has(cause.code ?? '')",
    after: "return TIMEOUT_CODES.has(cause.code ?? 'x')",
    reason: 'The set has neither.'
  },
  {
    file: 'core/endpoint/parse.ts',
    before: "remedy: 'wait',",
    after: '',
    reason: 'Nothing but `retry` and `reload` makes a difference; `wait` is for the reader.'
  },
  {
    file: 'core/endpoint/parse.ts',
    before: "const value = typeof header === 'string' ? header.trim() : ''",
    after: "const value = typeof header === 'string' ? header.trim() : 'x'",
    reason: 'Neither is a number or a date.'
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
    file: 'core/support/url.ts',
    before: 'return /^(?:(?:.+\\.)?localhost|127(?:\\.\\d+){3}|\\[::1\\])$/.test(hostname)',
    after: 'return /^(?:(?:.+\\.)?localhost|127(?:\\.\\d*){3}|\\[::1\\])$/.test(hostname)',
    reason: 'A URL has no address with an empty part.'
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
    file: 'core/endpoint/parse.ts',
    before:
      "const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\\d+(\\.\\d+)?$/.test(value))",
    after:
      "const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\\d*(\\.\\d+)?$/.test(value))",
    reason: 'A number without a digit before the point is below 1, which is refused as well.'
  }
]
