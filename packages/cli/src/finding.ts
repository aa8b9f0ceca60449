/** Where on the way from the environment to a call a finding belongs. */
export type Stage = 'environment' | 'endpoint' | 'token' | 'route'

/** `ok`: it is well. `note`: good to know. `fault`: something is wrong. */
export type Level = 'ok' | 'note' | 'fault'

/** The names of all findings for machines. They stay the same from version to version. */
export const CODES = [
  'credentials',
  'credentials-missing',
  'credentials-malformed',
  'credentials-quoted',
  'credentials-spaced',
  'credentials-refused',
  'credentials-exchanged',
  'scope-refused',
  'token-url',
  'token-url-invalid',
  'token-url-left-over',
  'endpoint',
  'endpoint-unavailable',
  'dns',
  'connection-refused',
  'certificate-expired',
  'certificate-untrusted',
  'certificate-for-another-name',
  'tls',
  'timeout',
  'unreachable',
  'proxy',
  'proxy-invalid',
  'proxy-unreachable',
  'proxy-refused',
  'proxy-not-used',
  'clock',
  'token',
  'no-token',
  'answer-no-token',
  'lifetime-missing',
  'lifetime-too-short',
  'id-missing',
  'id-mismatch',
  'route',
  'route-closed',
  'route-unseen',
  'route-unreachable',
  'route-missing',
  'route-html',
  'route-redirects',
  'route-refuses',
  'route-failing',
  'route-no-token',
  'route-anonymous-unseen',
  'route-origins-unseen',
  'route-open',
  'route-open-to-origins',
  'route-behind-proxy',
  'route-cacheable',
  'route-headers-stripped',
  'route-cached',
  'route-token-old'
] as const

export type Code = (typeof CODES)[number]

/** One line of the report. Nothing in it is secret. */
export interface Finding {
  readonly level: Level
  readonly stage: Stage
  readonly code: Code
  /** What was found and, if it is a fault, the cause and the fix. */
  readonly message: string
}

/** The makers of a stage's findings. */
export function findingsOf(stage: Stage) {
  const at =
    (level: Level) =>
    (code: Code, message: string): Finding => ({ level, stage, code, message })
  return { ok: at('ok'), note: at('note'), fault: at('fault') }
}
