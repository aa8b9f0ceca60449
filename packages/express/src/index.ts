import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import {
  errorHeaders,
  keepHeaders,
  nodeHeaders,
  optionInvalid,
  TokenRoute,
  type TokenRouteOptions
} from '@bandwidth-token/core/adapter'
import type { NextFunction, Request, Response } from 'express'

declare global {
  namespace Express {
    interface Request {
      /** A Bandwidth access token, valid at the moment of the call. Declare another name (`decorateAs`) yourself. */
      bandwidthToken(): Promise<AccessToken>
    }
  }
}

/** The options of the middleware: the core's and those of the token route. */
export type BandwidthTokenOptions = TokenRouteOptions<Request>

/** The middleware, with the provider of its tokens. */
export interface BandwidthTokenMiddleware {
  (req: Request, res: Response, next: NextFunction): void
  readonly provider: TokenProvider
  /** Closes the provider, unless you passed your own. */
  close(): Promise<void>
}

/**
 * A valid Bandwidth access token for every request, and a guarded route that hands one to the app's own pages. Use
 * it after sessions, passport, CORS and rate limiting, before a catch-all route.
 *
 * @throws `ERR_BANDWIDTH_TOKEN_OPTION_INVALID` for an unknown, ill-typed, missing or contradictory option
 *
 * @example
 * app.use(bandwidthToken({ authorize: (req) => req.isAuthenticated() }))
 */
export function bandwidthToken(options: BandwidthTokenOptions): BandwidthTokenMiddleware {
  const route = new TokenRoute<Request>(options)
  const { decorateAs, path, provider, ownProvider } = route.options

  // One function for all requests: a request that does not ask for a token costs nothing.
  function tokenOfRequest(this: Request): Promise<AccessToken> {
    return route.tokenFor(this)
  }

  // If the app has answered meanwhile, such as after a time-out of its own, write nothing.
  async function answer(req: Request, res: Response, next: NextFunction): Promise<void> {
    try {
      const request = { url: req.originalUrl, header: nodeHeaders(req.headers) }
      const { status, headers, body } = await route.answer(req, request)
      if (res.headersSent) return
      res.statusCode = status
      for (const name of Object.keys(headers)) res.setHeader(name, headers[name] as string)
      res.setHeader('Content-Length', Buffer.byteLength(body))
      res.end(body) // Not `send()`, which adds an `ETag`.
    } catch (error) {
      if (res.headersSent) return
      keepHeaders(res, errorHeaders(error))
      next(error)
    }
  }

  function middleware(req: Request, res: Response, next: NextFunction): void {
    const properties = req as unknown as Record<string, unknown>
    const taken = properties[decorateAs]
    if (taken !== undefined && taken !== tokenOfRequest) {
      next(
        optionInvalid(
          'decorateAs',
          decorateAs,
          `a name other than "${decorateAs}", which the request has already`
        )
      )
      return
    }
    properties[decorateAs] = tokenOfRequest
    const isOurs = req.path === path && (req.method === 'GET' || req.method === 'HEAD')
    if (isOurs) void answer(req, res, next)
    else next()
  }

  return Object.assign(middleware, {
    provider: provider as TokenProvider,
    close: async () => ownProvider?.close()
  })
}

export default bandwidthToken
