const MARGIN_MS = 30_000

/** What a careful developer writes: single-flight, a time limit, and a margin before the token expires. */
export function handWrittenCache(credentials) {
  let cached
  let usableUntilMs = 0
  let flight

  async function refresh() {
    const { token, expiresAtMs } = await requestToken(credentials)
    cached = token
    usableUntilMs = expiresAtMs - MARGIN_MS
    return token
  }

  return async function getToken() {
    if (Date.now() < usableUntilMs) return cached
    flight ??= refresh().finally(() => {
      flight = undefined
    })
    return flight
  }
}

/** The same for many accounts, in a map that is never bounded. */
export function handWrittenAccounts(credentials) {
  const tokens = new Map()
  const flights = new Map()

  async function refresh(account) {
    const { token, expiresAtMs } = await requestToken(credentials)
    tokens.set(account, { token, usableUntilMs: expiresAtMs - MARGIN_MS })
    return token
  }

  return async function getToken(account) {
    const cached = tokens.get(account)
    if (cached !== undefined && Date.now() < cached.usableUntilMs) return cached.token
    let flight = flights.get(account)
    if (flight === undefined) {
      flight = refresh(account).finally(() => flights.delete(account))
      flights.set(account, flight)
    }
    return flight
  }
}

/** One token request. Life is counted from before it was sent. */
export async function requestToken({ tokenUrl, clientId, clientSecret }, send = fetch) {
  const startedAtMs = Date.now()
  const response = await send(tokenUrl, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded'
    },
    body: 'grant_type=client_credentials&scope=voice.webrtc',
    signal: AbortSignal.timeout(4_000)
  })
  if (!response.ok) throw new Error(`The token endpoint answered ${response.status}.`)
  const { access_token: token, expires_in: expiresIn } = await response.json()
  return { token, expiresAtMs: startedAtMs + expiresIn * 1000 }
}
