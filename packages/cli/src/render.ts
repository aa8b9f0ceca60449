import type { Finding, Level } from './finding.js'

export type Format = 'terminal' | 'plain' | 'json'

/** Codes of SGR (ECMA-48 §8.3.117). `styleText()` of Node decides by itself whether there is a terminal. */
const GREEN = 32
const YELLOW = 33
const RED = 31
const FAINT = 2

const LOOKS: Readonly<
  Record<Level, { readonly mark: string; readonly word: string; readonly style: number }>
> = {
  ok: { mark: '✓', word: 'ok', style: GREEN },
  note: { mark: '•', word: 'note', style: YELLOW },
  fault: { mark: '✗', word: 'FAULT', style: RED }
}

/** Whether nothing is wrong. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'fault')
}

/** The report as text: a line for each finding, and one that sums up. */
export function render(findings: readonly Finding[], format: Format): string {
  if (format === 'json') return `${JSON.stringify({ ok: isWell(findings), findings }, undefined, 2)}\n`
  const lines = findings.map((finding) => (format === 'terminal' ? pretty(finding) : plain(finding)))
  return [...lines, summary(findings)].map((line) => `${line}\n`).join('')
}

function pretty({ level, message, stage }: Finding): string {
  const { mark, style } = LOOKS[level]
  return `${styled(style, mark)} ${styled(FAINT, stage.padEnd(11))} ${message}`
}

function styled(style: number, text: string): string {
  return `\u001b[${style}m${text}\u001b[0m`
}

function plain({ level, message, stage }: Finding): string {
  return `${LOOKS[level].word.padEnd(5)} ${stage.padEnd(11)} ${message}`
}

function summary(findings: readonly Finding[]): string {
  if (isWell(findings)) return 'All is well.'
  const count = findings.filter(({ level }) => level === 'fault').length
  return count === 1 ? 'One thing is wrong.' : `${count} things are wrong.`
}
