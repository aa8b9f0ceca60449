import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

/** An answer before it is sent. If two header names differ only in case, the later one counts. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Where in the answer a fault happens: before its headers, or in the middle of its body. */
export type FaultPoint = 'headers' | 'body'

/** How an answer is sent. At most one of these is set. If none is, the whole answer is sent at once. */
export interface Manner {
  readonly hang: FaultPoint | undefined
  readonly reset: FaultPoint | undefined
  readonly slowBodyMs: number | undefined
}

/** Short enough to look like a steady stream, long enough for a timer to be on time. */
const slowBodyStepMs = 20

/** If a reset arrives together with the bytes before it, a client takes it for an ordinary end. */
const beforeResetMs = 30

const everyAnswer = {
  'content-type': 'application/json',
  'x-content-type-options': 'nosniff'
}

export function json(value: unknown, status = 200, headers: Answer['headers'] = {}): Answer {
  return { status, headers, body: JSON.stringify(value) }
}

/** An OAuth2 error (RFC 6749 §5.2). */
export function oauthError(status: number, error: string, description: string): Answer {
  const headers: Answer['headers'] = status === 401 ? { 'www-authenticate': 'Basic realm="emulator"' } : {}
  return json({ error, error_description: description }, status, headers)
}

export function methodNotAllowed(allow: string): Answer {
  return json({ error: `this address takes ${allow} only` }, 405, { allow })
}

/** Sends the answer and resolves when nothing is left to do; rejects if `signal` aborts before that. */
export async function send(
  response: ServerResponse,
  answer: Answer,
  { hang, reset, slowBodyMs }: Manner,
  signal: AbortSignal
): Promise<void> {
  if (hang === 'headers') return
  if (reset === 'headers') return resetConnection(response)

  const body = Buffer.from(answer.body)
  response.statusCode = answer.status
  for (const [name, value] of Object.entries({ ...everyAnswer, ...answer.headers })) {
    response.setHeader(name, value)
  }
  if (hang === undefined && reset === undefined && slowBodyMs === undefined) {
    response.end(body)
    return
  }

  // With a content length the client can tell a body that breaks off from a short one.
  if (!response.hasHeader('content-length') && !response.hasHeader('transfer-encoding')) {
    response.setHeader('content-length', body.length)
  }
  response.flushHeaders()
  if (slowBodyMs !== undefined) return sendSlowly(response, body, slowBodyMs, signal)
  response.write(body.subarray(0, body.length / 2))
  if (reset === undefined) return
  await wait(beforeResetMs, undefined, { signal })
  resetConnection(response)
}

async function sendSlowly(response: ServerResponse, body: Buffer, overMs: number, signal: AbortSignal) {
  const steps = Math.max(1, Math.min(body.length, Math.ceil(overMs / slowBodyStepMs)))
  const startedAt = performance.now()
  for (let step = 1; step <= steps; step++) {
    const dueAt = startedAt + (overMs * step) / steps
    await wait(Math.max(0, dueAt - performance.now()), undefined, { signal })
    response.write(body.subarray((body.length * (step - 1)) / steps, (body.length * step) / steps))
  }
  response.end()
}

function resetConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

/**
 * Reads a body of at most `limit` bytes as text; `undefined` if it is larger. The rest is received and dropped,
 * because a client that cannot finish sending might not read the answer.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else resolve(undefined)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}
