/** A logger in the shape of pino's: an object of fields, then a message. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The part of a logger that is used here. */
export interface Log {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
  /** Says a thing once in the life of this log. */
  warnOnce(message: string): void
}

/** A log that writes to the user's logger and survives one that throws or rejects. */
export function createLog(logger: Logger | undefined, inOwnContext = callDirectly): Log {
  const said = new Set<string>()
  const write = (level: 'debug' | 'warn', fields: object, message: string) => {
    try {
      const result: unknown = inOwnContext(() => logger?.[level](fields, message))
      Promise.resolve(result).catch(() => {})
    } catch {
      // A logger that fails must not cost anybody a token.
    }
  }
  return {
    debug: (fields, message) => write('debug', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    warnOnce: (message) => {
      if (!said.has(message)) write('warn', {}, message)
      said.add(message)
    }
  }
}

function callDirectly<T>(work: () => T): T {
  return work()
}
