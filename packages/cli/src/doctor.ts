import type { Dispatcher } from 'undici'
import { badProxy, checkEndpoint } from './checks/endpoint.js'
import { checkEnvironment } from './checks/environment.js'
import { checkRoute } from './checks/route.js'
import { checkToken } from './checks/token.js'
import { type Finding, findingsOf } from './finding.js'
import type { Attempt } from './observe/attempt.js'
import { type CheckOptions, type Observations, observe } from './observe/observations.js'
import type { Environment } from './observe/proxy.js'

/** The checks, in the order of the way from the environment to the app's route. Each judges what was seen. */
const CHECKS: readonly ((seen: Observations) => Finding[])[] = [
  checkEnvironment,
  checkEndpoint,
  checkToken,
  checkRoute
]

/**
 * Looks, and judges what it sees. Without a dispatcher, the proxies of the environment cannot be used. The core reads the
 * credentials from `process.env` itself.
 */
export async function examine(
  options: CheckOptions,
  dispatcher: Dispatcher | undefined,
  environment: Environment = process.env
): Promise<Finding[]> {
  if (dispatcher === undefined) return [badProxy()]
  const seen = await observe(options, dispatcher, environment)
  const findings = CHECKS.flatMap((check) => check(seen))
  return isExplained(seen, findings) ? findings : [...findings, unexplained(seen.attempt)]
}

/** Whether one of the checks has said why there is no token. What the app's route does is no reason. */
function isExplained({ attempt }: Observations, findings: readonly Finding[]): boolean {
  return (
    attempt.token !== undefined || findings.some(({ level, stage }) => level === 'fault' && stage !== 'route')
  )
}

function unexplained({ error, hint = '' }: Attempt): Finding {
  return findingsOf('token').fault('no-token', `There is no token. ${error?.message} ${hint}`.trim())
}
