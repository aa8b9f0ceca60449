import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Emulator } from '@bandwidth-token/emulator'
import { spawnNode } from '../support/node.js'

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

/** A token request as Bandwidth documents it, but for what `change` says. */
export function requestToken(
  emulator: Emulator,
  change: { body?: string; headers?: Record<string, string>; signal?: AbortSignal } = {}
): Promise<Response> {
  const { body = 'grant_type=client_credentials&scope=voice.webrtc', headers, signal = null } = change
  return fetch(emulator.tokenUrl, {
    method: 'POST',
    body,
    redirect: 'manual',
    signal,
    headers: {
      authorization: basic(emulator.clientId, emulator.clientSecret),
      'content-type': 'application/x-www-form-urlencoded',
      ...headers
    }
  })
}

export interface RawAnswer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** A request with headers that `fetch` does not let one choose, such as `Host`. */
export function rawRequest(
  url: string,
  { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: object; body?: string } = {}
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers: { ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: text })
      )
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** A token request on a bare socket, to see what happens to the connection. */
export async function openTokenRequest(emulator: Emulator): Promise<Socket> {
  const { hostname, port, pathname } = new URL(emulator.tokenUrl)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const body = 'grant_type=client_credentials'
  socket.write(
    [
      `POST ${pathname} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      `Authorization: ${basic(emulator.clientId, emulator.clientSecret)}`,
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
      '',
      body
    ].join('\r\n')
  )
  return socket
}

/** A promise's outcome after a while in which it should not have settled. */
export async function pendingFor(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  const timer = new Promise((resolve) => setTimeout(resolve, ms, pending))
  return (await Promise.race([promise.catch(() => undefined), timer])) === pending
}

/** What a module prints and how it ends, run from a folder that finds the package. */
export async function run(script: string): Promise<{ output: string; exitCode: unknown }> {
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const child = spawnNode(['--input-type=module', '--eval', script], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 10_000
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const [exitCode] = await once(child, 'close')
  return { output, exitCode }
}
