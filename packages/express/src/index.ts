import type { AccessToken, TokenProvider } from '@bandwidth-token/core'
import { optionInvalid, TokenRoute, type TokenRouteOptions } from '@bandwidth-token/core/adapter'
import type { NextFunction, Request, Response } from 'express'

declare global {
  namespace Express {
    interface Request {
      /** A Bandwidth access token, valid at the moment of the call; another name (`decorateAs`) declare yourself. */
      bandwidthToken(): Promise<AccessToken>
    }
  }
}

/** The options of the middleware: the core's and those of the token route. */
export type BandwidthTokenOptions = TokenRouteOptions<Request>

/** The middleware, with the provider it takes its tokens from. */
export interface BandwidthTokenMiddleware {
  (req: Request, res: Response, next: NextFunction): void
  readonly provider: TokenProvider
  /** Closes the provider, unless it is one of yours. */
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

  // One function for all requests: a request costs nothing until it asks.
  function ask(this: Request): Promise<AccessToken> {
    return route.tokenFor(this)
  }

  async function answer(req: Request, res: Response): Promise<void> {
    try {
      route.checkOrigin(req.headers)
      const { headers, body } = await route.answer(req, req.originalUrl)
      // Not `res.send()`, which adds an `ETag`.
      res
        .set(headers)
        .set('Content-Length', String(Buffer.byteLength(body)))
        .end(body)
    } catch (error) {
      res.set(route.errorHeaders(error))
      throw error
    }
  }

  function middleware(req: Request, res: Response, next: NextFunction): void {
    const properties = req as unknown as Record<string, unknown>
    const taken = properties[decorateAs]
    if (taken !== undefined && taken !== ask) {
      next(
        optionInvalid(
          'decorateAs',
          decorateAs,
          'a name that nothing else on the request has; pass another one'
        )
      )
      return
    }
    properties[decorateAs] = ask
    const isOurs = req.path === path && (req.method === 'GET' || req.method === 'HEAD')
    if (isOurs) answer(req, res).catch(next)
    else next()
  }

  return Object.assign(middleware, {
    provider: provider as TokenProvider,
    close: async () => ownProvider?.close()
  })
}

export default bandwidthToken
