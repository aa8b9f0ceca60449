import { TokenProvider } from '@bandwidth-token/core'
import { bandwidthToken } from '@bandwidth-token/express'
import type { NestApplicationOptions } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import session from 'express-session'
import { AppModule } from './app.module.js'

declare module 'express-session' {
  interface SessionData {
    user?: string
  }
}

export async function createApp(options: NestApplicationOptions = {}): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, options)
  const provider = app.get(TokenProvider)
  // Without it every request would be a 500.
  const { SESSION_SECRET: secret } = process.env
  if (!secret) throw new Error('Set SESSION_SECRET.')
  app.use(
    session({
      secret,
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, secure: 'auto', sameSite: 'lax' }
    })
  )
  app.use(bandwidthToken({ provider, authorize: (request) => request.session.user !== undefined }))
  return app.enableShutdownHooks()
}
