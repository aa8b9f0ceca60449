import { TokenProvider } from '@bandwidth-token/core'
import fastifyBandwidthToken from '@bandwidth-token/fastify'
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import type { NestApplicationOptions } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { AppModule } from './app.module.js'

declare module 'fastify' {
  interface Session {
    user?: string
  }
}

export async function createApp(options: NestApplicationOptions = {}): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), options)
  const provider = app.get(TokenProvider)
  await app.register(fastifyCookie)
  await app.register(fastifySession, {
    secret: process.env.SESSION_SECRET ?? '', // at least 32 characters
    saveUninitialized: false,
    cookie: { secure: 'auto', sameSite: 'lax' }
  })
  await app.register(fastifyBandwidthToken, {
    provider,
    authorize: (request) => request.session.user !== undefined
  })
  return app.enableShutdownHooks()
}
