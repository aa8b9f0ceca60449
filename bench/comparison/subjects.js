import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const OURS = '@bandwidth-token/core'

/**
 * What is compared: each through its public interface, as its README says. `open()` takes the token server's
 * credentials and returns `getToken()`, which resolves to the string of a token, and `close()`.
 *
 * `isSingleFlight` is false where 10,000 cold callers make 10,000 requests: they are not measured for their time.
 */
export const SUBJECTS = [
  {
    name: 'this package',
    packageName: OURS,
    isSingleFlight: true,
    async open(credentials) {
      const { TokenProvider } = await import(OURS)
      const provider = new TokenProvider(credentials)
      return {
        getToken: provider.accessToken,
        call: () => provider.getToken(),
        close: () => provider.close()
      }
    }
  },
  {
    name: 'written by hand',
    isSingleFlight: true,
    async open(credentials) {
      const { handWrittenCache } = await import('./hand-written.js')
      return { getToken: handWrittenCache(credentials) }
    }
  },
  {
    name: 'bandwidth-sdk',
    packageName: 'bandwidth-sdk',
    isSingleFlight: false,
    async open({ tokenUrl, clientId, clientSecret }) {
      const { Configuration } = require('bandwidth-sdk')
      redirectBandwidthSdk(tokenUrl)
      const configuration = new Configuration({ clientId, clientSecret })
      return { getToken: () => configuration.accessToken() }
    }
  },
  {
    name: 'openid-client + lru-cache',
    packageName: 'openid-client',
    isSingleFlight: true,
    async open({ tokenUrl, clientId, clientSecret }) {
      const { allowInsecureRequests, ClientSecretBasic, clientCredentialsGrant, Configuration } =
        await import('openid-client')
      const { LRUCache } = await import('lru-cache')
      const { origin: issuer } = new URL(tokenUrl)
      const configuration = new Configuration(
        { issuer, token_endpoint: tokenUrl },
        clientId,
        undefined,
        ClientSecretBasic(clientSecret)
      )
      allowInsecureRequests(configuration)
      const cache = new LRUCache({
        max: 10_000,
        async fetchMethod(_account, _stale, { options }) {
          const { access_token, expires_in } = await clientCredentialsGrant(configuration)
          options.ttl = (expires_in - 30) * 1000
          return access_token
        }
      })
      return { getToken: () => cache.fetch('') }
    }
  },
  {
    name: '@badgateway/oauth2-client',
    packageName: '@badgateway/oauth2-client',
    isSingleFlight: true,
    async open({ tokenUrl, clientId, clientSecret }) {
      const { OAuth2Client, OAuth2Fetch } = await import('@badgateway/oauth2-client')
      const client = new OAuth2Client({ tokenEndpoint: tokenUrl, clientId, clientSecret })
      const wrapper = new OAuth2Fetch({ client, getNewToken: () => client.clientCredentials() })
      return { getToken: () => wrapper.getAccessToken() }
    }
  },
  {
    name: 'simple-oauth2',
    packageName: 'simple-oauth2',
    isSingleFlight: false,
    async open({ tokenUrl, clientId, clientSecret }) {
      const { ClientCredentials } = require('simple-oauth2')
      const { origin: tokenHost, pathname: tokenPath } = new URL(tokenUrl)
      const client = new ClientCredentials({
        client: { id: clientId, secret: clientSecret },
        auth: { tokenHost, tokenPath }
      })
      let accessToken
      const getToken = async () => {
        if (accessToken === undefined || accessToken.expired(30)) accessToken = await client.getToken({})
        return accessToken.token.access_token
      }
      return { getToken }
    }
  },
  {
    name: '@azure/core-rest-pipeline',
    packageName: '@azure/core-rest-pipeline',
    isSingleFlight: true,
    async open({ tokenUrl, clientId, clientSecret }) {
      const { bearerTokenAuthenticationPolicy, createPipelineRequest } = await import(
        '@azure/core-rest-pipeline'
      )
      const credential = {
        async getToken() {
          const { token, expiresAtMs } = await requestToken({ tokenUrl, clientId, clientSecret })
          return { token, expiresOnTimestamp: expiresAtMs }
        }
      }
      const policy = bearerTokenAuthenticationPolicy({ credential, scopes: 'voice.webrtc' })
      const request = createPipelineRequest({ url: 'https://api.example' })
      const send = async ({ headers }) => headers
      const getToken = async () => {
        const headers = await policy.sendRequest(request, send)
        return headers.get('Authorization').slice('Bearer '.length)
      }
      return { getToken }
    }
  },
  {
    name: 'google-auth-library',
    packageName: 'google-auth-library',
    isSingleFlight: false,
    async open(credentials) {
      const { OAuth2Client } = require('google-auth-library')
      const client = new OAuth2Client()
      client.refreshHandler = async () => {
        const { token, expiresAtMs } = await requestToken(credentials)
        return { access_token: token, expiry_date: expiresAtMs }
      }
      return { getToken: async () => (await client.getAccessToken()).token }
    }
  }
]

let redirectedTo

/** Its token URL cannot be changed. So its HTTP client, which is axios, is told to send the request elsewhere. */
function redirectBandwidthSdk(tokenUrl) {
  if (redirectedTo === undefined) {
    const { default: axios } = createRequire(require.resolve('bandwidth-sdk'))('axios')
    axios.interceptors.request.use((request) => ({ ...request, url: redirectedTo }))
  }
  redirectedTo = tokenUrl
}

/** For those who leave the request itself to their user. */
async function requestToken(credentials) {
  const { requestToken } = await import('./hand-written.js')
  return requestToken(credentials)
}
