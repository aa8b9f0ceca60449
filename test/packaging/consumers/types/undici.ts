import { bandwidthAuth, TokenProvider } from '@bandwidth-token/core'
import {
  Agent as Agent6,
  interceptors as interceptors6,
  MockAgent as MockAgent6,
  ProxyAgent as ProxyAgent6
} from 'undici6'
import {
  Agent as Agent7,
  EnvHttpProxyAgent as EnvHttpProxyAgent7,
  interceptors as interceptors7,
  MockAgent as MockAgent7
} from 'undici7'
import {
  Agent as Agent8,
  EnvHttpProxyAgent as EnvHttpProxyAgent8,
  interceptors as interceptors8,
  MockAgent as MockAgent8
} from 'undici8'

export const providers = [
  new TokenProvider({ dispatcher: new Agent6() }),
  new TokenProvider({ dispatcher: new MockAgent6() }),
  new TokenProvider({ dispatcher: new ProxyAgent6('http://127.0.0.1:3128') }),
  new TokenProvider({ dispatcher: new Agent7() }),
  new TokenProvider({ dispatcher: new Agent7().compose(interceptors7.retry()) }),
  new TokenProvider({ dispatcher: new EnvHttpProxyAgent7() }),
  new TokenProvider({ dispatcher: new MockAgent7() }),
  new TokenProvider({ dispatcher: new Agent8() }),
  new TokenProvider({ dispatcher: new Agent8().compose(interceptors8.retry()) }),
  new TokenProvider({ dispatcher: new EnvHttpProxyAgent8() }),
  new TokenProvider({ dispatcher: new MockAgent8() }),
  // @ts-expect-error: not a dispatcher
  new TokenProvider({ dispatcher: { request: 'GET' } })
]

const auth = bandwidthAuth(new TokenProvider(), { origins: ['https://voice.bandwidth.com'] })

export const dispatchers = [
  new Agent6().compose(auth),
  new Agent6().compose(auth, interceptors6.redirect({ maxRedirections: 3 })),
  new Agent7().compose(auth),
  new Agent7().compose([auth, interceptors7.retry()]),
  new EnvHttpProxyAgent8().compose(auth, interceptors8.retry())
]

// @ts-expect-error: no origins
bandwidthAuth(new TokenProvider(), {})
