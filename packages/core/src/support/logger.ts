import { rememberContext } from './async-context.js'

/** A logger in the shape of pino's: an object of fields, then a message. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A logger, with warnings that are written once. */
export interface Log extends Logger {
  /** Writes a warning once in the life of this log. */
  warnOnce(message: string): void
  /**
   * Warns of a mistake in the configuration, once in the life of this log. Without a logger it calls
   * `process.emitWarning()`, because a mistake that nobody sees is never corrected.
   */
  warnConfiguration(message: string): void
}

/**
 * A log that writes to the user's logger, in the async context in which the log was made. It ignores a logger that
 * throws or rejects.
 */
export function createLog(logger: Logger | undefined): Log {
  const inOwnContext = rememberContext()
  const said = new Set<string>()
  const write = (level: keyof Logger, fields: object, message: string) => {
    try {
      const result: unknown = inOwnContext(() => logger?.[level](fields, message))
      Promise.resolve(result).catch(() => {})
    } catch {
      // No caller may lose a token because a logger fails.
    }
  }
  const once = (message: string, say: () => void) => {
    if (said.has(message)) return
    said.add(message)
    say()
  }
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    warnOnce: (message) => once(message, () => write('warn', {}, message)),
    warnConfiguration: (message) =>
      once(message, () => {
        if (logger === undefined) process.emitWarning(message, CONFIGURATION_WARNING)
        else write('warn', {}, message)
      })
  }
}

const CONFIGURATION_WARNING = { type: 'BandwidthTokenWarning', code: 'BANDWIDTH_TOKEN_CONFIGURATION' }
