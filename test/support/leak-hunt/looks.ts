import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import { pino } from 'pino'
import { walk } from './walk.js'

/** A way of looking at a value, and what is seen. */
export type Look = readonly [way: string, see: () => string]

const ALL = {
  showHidden: true,
  getters: true,
  showProxy: true,
  maxArrayLength: null,
  maxStringLength: null
} as const

/**
 * The ways in which a console, a logger, a serialiser or a curious developer looks at a value. What is printed goes
 * down to `depth`, where a value is as large as a framework; the walk through its properties goes all the way.
 */
export function looksAt(value: unknown, depth = Number.POSITIVE_INFINITY): readonly Look[] {
  const all = { ...ALL, depth }
  const nested = { list: [value], map: new Map([[value, value]]), set: new Set([value]) }
  return [
    ['util.inspect', () => inspect(value)],
    ['util.inspect of all', () => inspect(value, all)],
    ['util.inspect of all that holds it', () => inspect(nested, all)],
    ['util.format', () => ['%s', '%d', '%j', '%o', '%O', '%i'].map((how) => format(how, value)).join('\n')],
    ['String', () => `${String(value)} ${value}`],
    ['JSON.stringify', () => `${JSON.stringify(value)} ${JSON.stringify(nested)}`],
    ['structuredClone', () => inspect(structuredClone(value), all)],
    ['structuredClone of its properties', () => inspect(structuredClone({ ...(value as object) }), all)],
    ['the console', () => onConsole(value, depth)],
    ['pino', () => inLog(value)],
    ...(value instanceof Error ? ([['process.report', () => reportOn(value).report]] as const) : []),
    ['its properties', () => walk(value)]
  ]
}

/** What is seen, or the error of the look, which may tell as much. */
export function seen([, see]: Look): string {
  try {
    return see()
  } catch (error) {
    return `${inspect(error, { ...ALL, depth: Number.POSITIVE_INFINITY })} ${(error as Error).stack}`
  }
}

function sink(texts: string[]): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      texts.push(chunk)
      done()
    }
  })
}

function onConsole(value: unknown, depth: number): string {
  const texts: string[] = []
  const { log, error, dir, table, trace } = new Console(sink(texts), sink(texts))
  log(value)
  log('%s %o', value, value)
  error(value)
  dir(value, { depth, showHidden: true })
  table([value])
  trace(value)
  return texts.join('')
}

function inLog(value: unknown): string {
  const texts: string[] = []
  const logger = pino({ level: 'trace' }, sink(texts))
  logger.info(value as object)
  logger.error({ err: value, value }, 'with the value')
  const template: string = '%o %j %s'
  logger.info(template, ...([value, value, value] as unknown as []))
  logger.child({ value }).warn('bound to the value')
  return texts.join('')
}

/** A diagnostic report about an error, as text, and the environment of the process and its threads apart. */
export function reportOn(error: Error): { report: string; environment: string } {
  const environments: unknown[] = []
  // The types say that it is text, as in a file.
  const report = JSON.stringify(process.report.getReport(error), (key, value) => {
    if (key !== 'environmentVariables') return value
    environments.push(value)
    return undefined
  })
  return { report, environment: JSON.stringify(environments) }
}
