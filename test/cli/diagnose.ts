import type { Emulator } from '@bandwidth-token/emulator'
import type { Test } from 'tap'
import type { Dispatcher } from 'undici'
import { EnvHttpProxyAgent } from 'undici'
import type * as Doctor from '../../packages/cli/dist/doctor.js'
import type { Finding } from '../../packages/cli/dist/finding.js'
import type { CheckOptions } from '../../packages/cli/dist/observe/observations.js'

export type { Finding }

/** Modules of the command, which exports none. */
export function load<Module>(file: string): Promise<Module> {
  const manifest = import.meta.resolve('@bandwidth-token/cli/package.json')
  return import(new URL(`dist/${file}`, manifest).href) as Promise<Module>
}

const { examine } = await load<typeof Doctor>('doctor.js')

type Environment = Readonly<Record<string, string>>

const OWN = /^(BW_|https?_proxy$|no_proxy$)/i

/** Runs something in an environment without variables of the machine that the doctor or the core would read. */
export async function inEnvironment<Result>(environment: Environment, run: () => Promise<Result>) {
  const before = { ...process.env }
  for (const name of Object.keys(before)) if (OWN.test(name)) delete process.env[name]
  Object.assign(process.env, environment)
  try {
    return await run()
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

/** What the doctor finds in that environment. */
export function diagnose(
  environment: Environment,
  { dispatcher, ...options }: Partial<CheckOptions> & { dispatcher?: Dispatcher } = {}
): Promise<Finding[]> {
  return inEnvironment(environment, async () => {
    const own = dispatcher ?? new EnvHttpProxyAgent()
    const all = {
      network: 'global',
      allowInsecureTokenUrl: false,
      tryExchanged: false,
      url: undefined,
      cookie: undefined,
      ...options
    } as const
    const findings = await examine(all, own)
    if (dispatcher === undefined) await own.destroy()
    return findings
  })
}

export function environmentOf({ clientId, clientSecret, tokenUrl }: Emulator): Environment {
  return { BW_CLIENT_ID: clientId, BW_CLIENT_SECRET: clientSecret, BW_TOKEN_URL: tokenUrl }
}

/** The codes of what is wrong. */
export function faultsIn(findings: readonly Finding[]): string[] {
  return findings.filter(({ level }) => level === 'fault').map(({ code }) => code)
}

/** Expects one fault and no other, in one line that says this. */
export function isFault(t: Test, findings: readonly Finding[], code: string, says: RegExp): void {
  t.strictSame(faultsIn(findings), [code])
  for (const { message } of findings) t.match(message, /^(?:[A-Z]|https?:)[^\n]+[.?]$/)
  t.match(findings.find((finding) => finding.code === code)?.message, says)
}

/** Expects that all is well. */
export function isWell(t: Test, findings: readonly Finding[]): void {
  t.strictSame(faultsIn(findings), [])
}
