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
  app.use(
    session({
      secret: process.env.SESSION_SECRET ?? '',
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, secure: 'auto', sameSite: 'lax' }
    })
  )
  app.use(bandwidthToken({ provider, authorize: (request) => request.session.user !== undefined }))
  return app.enableShutdownHooks()
}
