import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, json, methodNotAllowed, readBody, send } from './answer.js'
import { longestTimerMs } from './check.js'
import { answerControl, controlPrefix } from './control.js'
import { readCredentials } from './credentials.js'
import { type CheckedFault, faultyAnswer, noFault } from './faults.js'
import { type CheckedInviteFault, noInviteFault } from './gateway/invite-fault.js'
import { type Entry, type ReceivedRequest, record } from './received.js'
import {
  answerTokenRequest,
  isScopeCorrect,
  notStored,
  requestedScope,
  type TokenIssuer,
  tokenRequestLimit
} from './token-endpoint.js'

export const tokenPath = '/api/v1/oauth2/token'
const jwksPath = '/.well-known/jwks.json'

/** The state of one emulator: what it received, which faults are still scripted, which tokens are revoked. */
export class Emulation {
  readonly #issuer: TokenIssuer
  readonly #received: Entry[] = []
  readonly #revoked = new Set<string>()
  #faults: CheckedFault[] = []

  constructor(issuer: TokenIssuer) {
    this.#issuer = issuer
  }

  get received(): readonly ReceivedRequest[] {
    return this.#received
  }

  /** The ids of the tokens that the gateway refuses. */
  get revoked(): ReadonlySet<string> {
    return this.#revoked
  }

  script(faults: CheckedFault[]): void {
    this.#faults = [...faults]
  }

  revoke(accessTokenId: string): void {
    this.#revoked.add(accessTokenId)
  }

  record(entry: Entry): Entry {
    return record(this.#received, entry)
  }

  nextInviteFault(): CheckedInviteFault {
    return this.#nextFault('invite') ?? noInviteFault
  }

  /** Takes the first fault of a kind. Token requests and calls have separate faults. */
  #nextFault<Kind extends CheckedFault['on']>(on: Kind) {
    const index = this.#faults.findIndex((fault) => fault.on === on)
    const [fault] = index === -1 ? [] : this.#faults.splice(index, 1)
    return fault as Extract<CheckedFault, { on: Kind }> | undefined
  }

  /** Answers one request. Rejects if the client has disconnected. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const { method = '', url = '' } = request
    const path = url.split('?', 1)[0] ?? ''

    if (path.startsWith(controlPrefix)) {
      return send(response, await answerControl(request, path, this), noFault, gone.signal)
    }
    if (path === tokenPath && method === 'POST') return this.#token(request, response, gone.signal)

    const entry = this.#record(request, path)
    const answer = this.#elsewhere(path, method)
    entry.status = answer.status
    return send(response, answer, noFault, gone.signal)
  }

  async #token(request: IncomingMessage, response: ServerResponse, gone: AbortSignal): Promise<void> {
    // Take the fault before anything is awaited, so that faults apply in the order in which requests arrive.
    const fault = this.#nextFault('token') ?? noFault
    const entry = this.#record(request, tokenPath)
    const { options } = this.#issuer
    const { authorization, 'content-type': contentType } = request.headers
    const credentials = readCredentials(authorization, options)
    const tokenRequest = { credentials, contentType, body: await readBody(request, tokenRequestLimit) }
    entry.scope = requestedScope(tokenRequest)
    entry.scopeCorrect = isScopeCorrect(tokenRequest, options)

    const delayMs = Math.min(options.latencyMs + fault.delayMs, longestTimerMs)
    if (delayMs > 0) await wait(delayMs, undefined, { signal: gone })
    const answer = await faultyAnswer(fault, () => answerTokenRequest(tokenRequest, this.#issuer))
    if (fault.hang !== 'headers' && fault.reset !== 'headers') entry.status = answer.status
    return send(response, { ...answer, headers: { ...notStored, ...answer.headers } }, fault, gone)
  }

  #record({ method = '', headers }: IncomingMessage, path: string): Entry {
    const { clientId, secretCorrect } = readCredentials(headers.authorization, this.#issuer.options)
    const entry = { method, path, clientId, secretCorrect, scope: undefined, status: undefined }
    return this.record(entry)
  }

  #elsewhere(path: string, method: string): Answer {
    if (path === tokenPath) return methodNotAllowed('POST')
    if (path !== jwksPath) return json({ error: 'there is nothing at this address' }, 404)
    if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed('GET, HEAD')
    return json(this.#issuer.signer.jwks)
  }
}
