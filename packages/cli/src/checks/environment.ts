import { type Finding, findingsOf } from '../finding.js'
import type { Observations } from '../observe/observations.js'
import { doubtsOf, isRefused, optionError, originOf } from './facts.js'

const { fault, note, ok } = findingsOf('environment')

const CREDENTIALS = ['BW_CLIENT_ID', 'BW_CLIENT_SECRET'] as const

/** The variables that the core reads. */
export function checkEnvironment(seen: Observations): Finding[] {
  const credentials = missing(seen) ?? malformed(seen) ?? doubtful(seen)
  return [...credentials, ...tokenUrl(seen)]
}

function missing({ environment }: Observations): Finding[] | undefined {
  const names = CREDENTIALS.filter((name) => !environment[name])
  if (names.length === 0) return undefined
  const subject = `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} missing`
  const fix = `Set ${names.length === 1 ? 'it' : 'them'}; "node --env-file=.env" reads a file.`
  return [fault('credentials-missing', `${subject} in the environment of this process. ${fix}`)]
}

/** What the core refuses to use. */
function malformed({ attempt }: Observations): Finding[] | undefined {
  const error = optionError(attempt)
  const variable = CREDENTIALS.find((name) => error?.includes(name))
  if (error === undefined || variable === undefined) return undefined
  const problem = /; got a string that (.*)\.$/.exec(error)?.[1]
  const message =
    problem === undefined
      ? `${variable} cannot be used. ${error}`
      : `${variable} ${problem}, perhaps because it comes from a file. Remove what does not belong to it.`
  return [fault('credentials-malformed', message)]
}

/** What the core uses as it is, but with a warning. It is a fault only if the endpoint refuses it. */
function doubtful({ attempt }: Observations): Finding[] {
  const doubts = doubtsOf(attempt)
  if (doubts.length === 0) return [ok('credentials', 'BW_CLIENT_ID and BW_CLIENT_SECRET are set.')]
  return doubts.map(({ code, problem, variable }) =>
    isRefused(attempt)
      ? fault(code, `${variable} ${problem}, and the endpoint refuses it. Remove what is not part of it.`)
      : note(code, `${variable} ${problem}. The endpoint accepts it, so it is part of it.`)
  )
}

const INSECURE =
  'Is it left over from development? Correct or unset it. If your app sets "allowInsecureTokenUrl", give ' +
  '--allow-insecure-token-url.'

function tokenUrl({ attempt, environment }: Observations): Finding[] {
  const url = environment['BW_TOKEN_URL']
  if (!url) return []
  const origin = originOf(url)
  if (origin === undefined || optionError(attempt)?.includes('BW_TOKEN_URL')) {
    const rule = 'it must be an https: URL without user and fragment'
    const advice = url.startsWith('http:') ? INSECURE : 'Correct or unset it.'
    return [fault('token-url-invalid', `BW_TOKEN_URL cannot be used: ${rule}. ${advice}`)]
  }
  return [note('token-url', `BW_TOKEN_URL is set: tokens come from ${origin}, not from Bandwidth.`)]
}
