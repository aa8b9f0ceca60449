import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Body, Controller, HttpCode, Post, Req, UnauthorizedException } from '@nestjs/common'

interface AppSession {
  user?: string
  regenerate(callback: (error?: unknown) => void): void
}

/** Stands for your own sign-in. The password is a different one in each run. */
export const password = randomBytes(12).toString('base64url')

@Controller('sign-in')
export class SignInController {
  @Post()
  @HttpCode(204)
  async signIn(@Body() body: { password?: string }, @Req() request: { session: AppSession }): Promise<void> {
    if (body.password !== password) throw new UnauthorizedException()
    const { session } = request
    // An id from before the sign-in may be known to others (session fixation).
    await promisify(session.regenerate.bind(session))()
    request.session.user = 'alice'
  }
}
