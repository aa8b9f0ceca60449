import type { Logger } from '@bandwidth-token/core'

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: object
  readonly message: string
}

/** A logger that records its lines. */
export function recordingLogger() {
  const lines: LogLine[] = []
  const at = (level: keyof Logger) => (fields: object, message: string) =>
    void lines.push({ level, fields, message })
  return {
    lines,
    warnings: () => lines.filter(({ level }) => level === 'warn'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error')
  }
}
