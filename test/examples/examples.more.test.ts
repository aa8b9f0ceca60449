import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { Program } from '../support/program.js'
import type { Teardown } from '../support/teardown.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const FOUR_FIELDS = ['access_token', 'access_token_id', 'expires_in', 'token_type']

/** An example as its users start it. */
class Example extends Program {
  constructor(t: Teardown, name: string, environment: Record<string, string> = {}) {
    const { BW_CLIENT_ID, BW_CLIENT_SECRET, BW_TOKEN_URL, BW_GATEWAY_URL, BW_NUMBER, ...own } = process.env
    super(t, [`examples/${name}/server.js`], { cwd: root, env: { ...own, PORT: '0', ...environment } })
  }

  /** The line to paste into a shell. */
  async curl(): Promise<string> {
    await until(() => /^curl .*\n/m.test(this.stdout) || this.process.exitCode !== null)
    return /^curl .*$/m.exec(this.stdout)?.[0] ?? ''
  }

  async url(path: string): Promise<string> {
    return new URL(path, /http:\/\/[^/ ]+/.exec(await this.curl())?.[0]).href
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still not so after 15 s: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function serve(t: Teardown, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return (server.address() as AddressInfo).port
}

async function paste(line: string): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)('bash', ['-c', line])
  return JSON.parse(stdout) as Record<string, unknown>
}

/** The password that an example has made up, posted; the cookie that came back goes with what follows. */
async function signIn(example: Example): Promise<{ status: number; cookie: string }> {
  const password = /password=(\S+)/.exec(await example.curl())?.[1] ?? ''
  const response = await fetch(await example.url('/sign-in'), {
    method: 'POST',
    body: new URLSearchParams({ password })
  })
  return { status: response.status, cookie: response.headers.get('set-cookie') ?? '' }
}

for (const name of ['fastify', 'express', 'hono']) {
  t.test(name, async (t) => {
    t.test('prints one line that signs in and fetches a token', async (t) => {
      const example = new Example(t, name)
      const line = await example.curl()
      t.equal(example.stdout.match(/^curl /gm)?.length, 1)
      const token = await paste(line)
      t.strictSame(Object.keys(token).sort(), FOUR_FIELDS)
      t.match(token, { access_token: /^[\w-]+\.[\w-]+\.[\w-]+$/, token_type: 'Bearer' })
      t.ok(Number(token['expires_in']) > 590)
      t.equal(example.stderr, '')
    })

    t.test('says that an emulator takes the place of Bandwidth', async (t) => {
      const example = new Example(t, name)
      await example.curl()
      t.match(example.stdout, /^Without BW_CLIENT_ID and BW_CLIENT_SECRET: .* emulator/m)
    })

    t.test('shows a page that runs no inline script', async (t) => {
      const example = new Example(t, name)
      const page = await fetch(await example.url('/'))
      t.equal(page.status, 200)
      const policy = page.headers.get('content-security-policy') ?? ''
      t.match(policy, /^default-src '(?:self|none)'/)
      t.notMatch(policy, /unsafe/)
      const html = await page.text()
      t.notMatch(html, /<script(?![^>]* src=)|<style| style=| on\w+=/)
      for (const [, file = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
        t.equal((await fetch(await example.url(`/${file}`))).status, 200, String(file))
      }
    })

    t.test('gives no token to who has not signed in', async (t) => {
      const example = new Example(t, name)
      const refusal = await fetch(await example.url('/bandwidth/token'))
      t.equal(refusal.status, 403)
      t.match(await refusal.json(), { code: 'ERR_BANDWIDTH_TOKEN_FORBIDDEN' })
      t.equal((await fetch(await example.url('/status'))).status, 401)
    })

    t.test('refuses a wrong password', async (t) => {
      const example = new Example(t, name)
      const url = await example.url('/sign-in')
      for (const body of ['password=wrong', 'password=', 'password[]=a', '']) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        const response = await fetch(url, { method: 'POST', body, headers })
        t.equal(response.status, 401, body)
        t.equal(response.headers.get('set-cookie'), null)
      }
    })

    t.test('keeps the session in a cookie that scripts and other sites do not get', async (t) => {
      const example = new Example(t, name)
      const first = await signIn(example)
      t.equal(first.status, 204)
      t.match(first.cookie, /; HttpOnly/i)
      t.match(first.cookie, /; SameSite=Strict/i)
      t.not((await signIn(example)).cookie, first.cookie)
    })

    t.test('makes the id of the session anew at sign-in', async (t) => {
      const example = new Example(t, name)
      const { cookie } = await signIn(example)
      const password = /password=(\S+)/.exec(await example.curl())?.[1] ?? ''
      const again = await fetch(await example.url('/sign-in'), {
        method: 'POST',
        headers: { cookie },
        body: new URLSearchParams({ password })
      })
      t.equal(again.status, 204)
      t.match(again.headers.get('set-cookie'), /=/)
      t.not(again.headers.get('set-cookie')?.split(';')[0], cookie.split(';')[0])
      t.equal((await fetch(await example.url('/status'), { headers: { cookie } })).status, 401)
    })

    t.test('refuses the page of another origin', async (t) => {
      const example = new Example(t, name)
      const { cookie } = await signIn(example)
      const url = await example.url('/bandwidth/token')
      t.equal((await fetch(url, { headers: { cookie } })).status, 200)
      const foreign = { cookie, origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }
      const refusal = await fetch(url, { headers: foreign })
      t.equal(refusal.status, 403)
      t.match(await refusal.json(), { code: 'ERR_BANDWIDTH_TOKEN_CROSS_ORIGIN' })
    })

    t.test('uses the token in its own code, and signs out', async (t) => {
      const example = new Example(t, name)
      const { cookie } = await signIn(example)
      const headers = { cookie }
      const token = (await (await fetch(await example.url('/bandwidth/token'), { headers })).json()) as object
      const status = await (await fetch(await example.url('/status'), { headers })).text()
      t.match(JSON.parse(status), {
        accessTokenId: (token as { access_token_id: string }).access_token_id,
        expiresIn: Number
      })
      t.notMatch(status, (token as { access_token: string }).access_token)
      t.equal((await fetch(await example.url('/sign-out'), { method: 'POST', headers })).status, 204)
      t.equal((await fetch(await example.url('/bandwidth/token'), { headers })).status, 403)
    })

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      t.test(`ends quietly with code 0 at ${signal}, even at two in a row`, async (t) => {
        const example = new Example(t, name)
        await paste(await example.curl())
        example.process.kill(signal)
        example.process.kill(signal)
        t.equal(await example.exitCode(), 0)
        t.equal(example.stderr, '')
      })
    }

    t.test('says in one line that the port is taken', async (t) => {
      const port = await serve(t, (_request, response) => response.end())
      const example = new Example(t, name, { PORT: String(port) })
      t.equal(await example.exitCode(), 1)
      t.match(example.stderr, new RegExp(`^Port ${port} is taken\\.[^\\n]*\\n$`))
    })

    t.test('refuses in one line a port that is none', async (t) => {
      for (const port of ['abc', '65536', '0x1F']) {
        const example = new Example(t, name, { PORT: port })
        t.equal(await example.exitCode(), 1, port)
        t.equal(example.stderr, 'PORT must be a whole number from 0 to 65535.\n', port)
      }
    })

    t.test('refuses half of the credentials in one line', async (t) => {
      const example = new Example(t, name, { BW_CLIENT_ID: 'only-this' })
      t.equal(await example.exitCode(), 1)
      t.match(example.stderr, /^Set both BW_CLIENT_ID and BW_CLIENT_SECRET[^\n]*\n$/)
    })

    t.test('works unchanged with another OAuth2 server', async (t) => {
      const received: unknown[] = []
      const port = await serve(t, async (request, response) => {
        let body = ''
        for await (const chunk of request) body += chunk
        received.push([request.method, request.url, request.headers.authorization, body])
        const answer = { access_token: 'opaque', token_type: 'bearer', expires_in: 120, jti: 'ignored' }
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
      })
      const example = new Example(t, name, {
        BW_CLIENT_ID: 'hgranger',
        BW_CLIENT_SECRET: 'Cr00k$h@nk$',
        BW_TOKEN_URL: `http://127.0.0.1:${port}/oauth/token`
      })
      const token = await paste(await example.curl())
      t.match(token, { access_token: 'opaque', token_type: 'Bearer' })
      t.ok(Number(token['expires_in']) > 110)
      t.notMatch(example.stdout, /emulator/)
      t.strictSame(received, [
        [
          'POST',
          '/oauth/token',
          'Basic aGdyYW5nZXI6Q3IwMGskaEBuayQ=',
          'grant_type=client_credentials&scope=voice.webrtc'
        ]
      ])
      t.notMatch(example.stdout + example.stderr, 'opaque')
    })

    t.test('starts without a token endpoint that can be reached, and says 503', async (t) => {
      const example = new Example(t, name, {
        BW_CLIENT_ID: 'id',
        BW_CLIENT_SECRET: 'never-shown',
        BW_TOKEN_URL: 'http://127.0.0.1:9/'
      })
      t.equal((await fetch(await example.url('/'))).status, 200)
      const { cookie } = await signIn(example)
      const refusal = await fetch(await example.url('/bandwidth/token'), { headers: { cookie } })
      t.equal(refusal.status, 503)
      t.match(refusal.headers.get('retry-after'), /^\d+$/)
      t.notMatch(example.stdout + example.stderr, /never-shown/)
    })
  })
}

t.test('fastify refuses in one line a gateway that is none', async (t) => {
  for (const BW_GATEWAY_URL of ['https://gateway.example', 'gateway.example', 'wss://']) {
    const example = new Example(t, 'fastify', { BW_GATEWAY_URL })
    t.equal(await example.exitCode(), 1, BW_GATEWAY_URL)
    t.match(example.stderr, /^BW_GATEWAY_URL must be [^\n]*\n$/, BW_GATEWAY_URL)
  }
})

t.test('fastify lets its page connect to itself and to the gateway, and to nothing else', async (t) => {
  const gateways = {
    '': 'wss://sbc.webrtc-app.bandwidth.com:10081',
    'wss://gw.example:10081': 'wss://gw.example:10081'
  }
  for (const [BW_GATEWAY_URL, expected] of Object.entries(gateways)) {
    const credentials = {
      BW_CLIENT_ID: 'id',
      BW_CLIENT_SECRET: 'secret',
      BW_TOKEN_URL: 'http://127.0.0.1:9/'
    }
    const example = new Example(t, 'fastify', { ...credentials, BW_GATEWAY_URL, BW_NUMBER: '+15550100' })
    const { headers } = await fetch(await example.url('/'))
    t.match(headers.get('content-security-policy'), `; connect-src 'self' ${expected};`)
    const module = await (await fetch(await example.url('/gateway.js'))).text()
    t.match(module, `"addresses":["${expected}"]`)
    t.match(module, '"caller":"+15550100"')
  }
})
