import { Readable } from 'node:stream'
import type { TokenDispatcher } from '@bandwidth-token/core'

type Answer = Awaited<ReturnType<TokenDispatcher['request']>>

/** An endpoint in memory, so that what arrives on the thaw of a process arrives when the test says. */
export function memoryEndpoint() {
  const requests: {
    resolve: (answer: Answer) => void
    reject: (error: unknown) => void
    /** Called when the request is aborted, before anybody else hears of it. */
    onAbort: () => void
  }[] = []
  const dispatcher: TokenDispatcher = {
    request: ({ signal }) =>
      new Promise((resolve, reject) => {
        const request = { resolve, reject, onAbort: () => {} }
        requests.push(request)
        signal.addEventListener('abort', () => {
          request.onAbort()
          reject(signal.reason)
        })
      })
  }
  const answer = (index: number, statusCode = 200, expiresIn = 600) => {
    const body = JSON.stringify({ access_token: `token-${index + 1}`, expires_in: expiresIn })
    requests[index]?.resolve({ statusCode, headers: {}, body: Readable.from([Buffer.from(body)]) })
  }
  return { dispatcher, requests, answer }
}
