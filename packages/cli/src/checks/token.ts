import type { AccessToken } from '@bandwidth-token/core'
import { type Finding, findingsOf } from '../finding.js'
import type { Observations } from '../observe/observations.js'
import { doubtsOf, isDeadOnArrival, isRefused, isUnreached, lifetimeS, optionError } from './facts.js'
import { claimsOf } from './jwt.js'

const { fault, note, ok } = findingsOf('token')

/** A call needs a token with some seconds left when it is placed. */
const SHORTEST_LIFETIME_S = 30

/** The answer of the token endpoint. */
export function checkToken(seen: Observations): Finding[] {
  const { attempt } = seen
  if (attempt.token !== undefined) return judge(attempt.token, attempt.warnings)
  if (optionError(attempt) !== undefined || isUnreached(attempt)) return []
  if (isRefused(attempt)) return refusal(seen)
  const { error, hint = '' } = attempt
  if (isDeadOnArrival(error)) return [tooShort('no time left when they arrive')]
  // The proxy answered in the place of the endpoint.
  if (error?.upstreamStatus === 407) return []
  return error?.code === 'ERR_BANDWIDTH_TOKEN_RESPONSE_INVALID'
    ? [fault('answer-no-token', `${error.message} ${hint}`)]
    : [fault('endpoint-unavailable', `${error?.message} ${hint}`)]
}

function refusal({ attempt, environment, exchanged, network }: Observations): Finding[] {
  if (exchanged?.token !== undefined) {
    const message = 'BW_CLIENT_ID holds the secret and BW_CLIENT_SECRET the id. Exchange them.'
    return [fault('credentials-exchanged', message)]
  }
  // The environment says why already.
  if (doubtsOf(attempt).length > 0) return []
  const { error, hint = '' } = attempt
  const { oauthError, upstreamStatus } = error ?? {}
  const answer = `The endpoint answered ${upstreamStatus}${oauthError === undefined ? '' : ` ${oauthError}`}.`
  const other = network === 'us' ? 'without --network us' : 'with --network us'
  if (oauthError === 'invalid_scope') {
    const fix = `If the client belongs to the other network, set the option "network"; try it ${other}.`
    return [fault('scope-refused', `${answer} ${hint} ${fix}`)]
  }
  // The hint of the core names its option. Here the network is a flag, which changes nothing about another URL.
  const isAboutNetwork = oauthError === undefined || oauthError === 'invalid_client'
  const fix = isAboutNetwork && !environment['BW_TOKEN_URL'] ? ` For the other network, try it ${other}.` : ''
  return [fault('credentials-refused', `${answer} ${hint}${fix}`)]
}

function judge(token: AccessToken, warnings: readonly string[]): Finding[] {
  const livesS = lifetimeS(token)
  const findings: Finding[] = []
  if (warnings.some((warning) => warning.includes('"expires_in"'))) {
    findings.push(
      note('lifetime-missing', 'The endpoint does not say how long the token lives. 60 s are assumed.')
    )
  } else if (livesS < SHORTEST_LIFETIME_S) {
    findings.push(tooShort(`${livesS} s`))
  }
  const { jti } = claimsOf(token.accessToken)
  if (token.accessTokenId === undefined) {
    findings.push(note('id-missing', 'The token has no usable id, so a page cannot have it replaced.'))
  } else if (jti !== undefined && jti !== token.accessTokenId) {
    const cause = 'The id of the token ("jti") is not the "access_token_id" that came with it.'
    const fix = 'Does something between here and Bandwidth change or mix answers?'
    findings.push(fault('id-mismatch', `${cause} ${fix}`))
  }
  return findings.some(({ level }) => level === 'fault')
    ? findings
    : [ok('token', `A token was issued. It lives ${livesS} s.`), ...findings]
}

function tooShort(lifetime: string): Finding {
  const fix = 'Ask Bandwidth, or start the emulator with a longer --expires-in.'
  return fault('lifetime-too-short', `Tokens live ${lifetime}: too short to place a call. ${fix}`)
}
