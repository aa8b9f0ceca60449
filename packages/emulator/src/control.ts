import type { IncomingMessage } from 'node:http'
import { type Answer, json, methodNotAllowed, readBody } from './answer.js'
import { describe, invalid, ownProperties } from './check.js'
import type { EmulatorError } from './errors.js'
import { type CheckedFault, checkFaults } from './faults.js'
import type { ReceivedRequest } from './received.js'

/** What requests to `/_emulator/` can read and change. */
export interface Controls {
  readonly received: readonly ReceivedRequest[]
  script(faults: CheckedFault[]): void
  revoke(accessTokenId: string): void
}

export const controlPrefix = '/_emulator/'

const receivedPath = `${controlPrefix}received`
const scriptPath = `${controlPrefix}script`
const revokePath = `${controlPrefix}revoke`

const scriptLimit = 1024 * 1024
const revokeLimit = 16 * 1024
const longestId = 256
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/** Answers a request under `/_emulator/`. */
export async function answerControl(
  request: IncomingMessage,
  path: string,
  controls: Controls
): Promise<Answer> {
  const { method, headers } = request
  // Any web page can send requests to this port. With a host name of its own that resolves to 127.0.0.1 (DNS
  // rebinding) it even counts as the same origin. But then its name is in `Host`.
  if (!loopback.test(headers.host ?? '')) return forbidden('Host must be a loopback address or localhost')
  if (headers.origin !== undefined) return forbidden('web pages may not steer the emulator')

  if (path === receivedPath) {
    return method === 'GET' ? json(controls.received) : methodNotAllowed('GET')
  }
  if (path === scriptPath) {
    return method === 'POST' ? script(request, controls) : methodNotAllowed('POST')
  }
  if (path === revokePath) {
    return method === 'POST' ? revoke(request, controls) : methodNotAllowed('POST')
  }
  const addresses = `${revokePath}, ${receivedPath} and ${scriptPath}`
  return json({ error: `there is nothing at this address. Use ${addresses}` }, 404)
}

async function script(request: IncomingMessage, controls: Controls): Promise<Answer> {
  const body = await readBody(request, scriptLimit)
  if (body === undefined) return json({ error: `the script is larger than ${scriptLimit} bytes` }, 400)
  try {
    const faults = checkFaults(JSON.parse(body))
    controls.script(faults)
    return json({ scripted: faults.length })
  } catch (error) {
    return badRequest(error, 'the body must be a JSON array of faults')
  }
}

async function revoke(request: IncomingMessage, controls: Controls): Promise<Answer> {
  const body = await readBody(request, revokeLimit)
  try {
    const accessTokenId = checkAccessTokenId(idIn(JSON.parse(body ?? '')))
    controls.revoke(accessTokenId)
    return json({ revoked: accessTokenId })
  } catch (error) {
    return badRequest(error, 'the body must be {"accessTokenId": "..."}')
  }
}

/** Says what an error of this package says, else what the body must be. */
function badRequest(error: unknown, expected: string): Answer {
  const { code, message } = error as Partial<EmulatorError>
  return json({ error: code?.startsWith('ERR_BANDWIDTH_EMULATOR_') ? message : expected }, 400)
}

/** The id, under the name `accessTokenId` or under `access_token_id`, its name in a token response. */
function idIn(body: unknown): unknown {
  const known = ['accessTokenId', 'access_token_id']
  const { accessTokenId, access_token_id } = ownProperties(body, known, 'the body')
  return accessTokenId ?? access_token_id
}

/** Checks the id to revoke. It need not be the id of a token that was issued. */
export function checkAccessTokenId(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= longestId) return value
  throw invalid(`accessTokenId must be a string of 1 to ${longestId} characters, not ${describe(value)}`)
}

function forbidden(reason: string): Answer {
  return json({ error: reason }, 403)
}
