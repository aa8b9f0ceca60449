import { TokenProvider } from '@bandwidth-token/core'
import { Controller, Get, Inject } from '@nestjs/common'

@Controller('calls')
export class CallsController {
  constructor(@Inject(TokenProvider) private readonly provider: TokenProvider) {}

  @Get()
  async list(): Promise<unknown> {
    const { authorization } = await this.provider.getToken()
    const url = `https://voice.bandwidth.com/api/v2/accounts/${process.env.BW_ACCOUNT_ID}/calls`
    const answer = await fetch(url, { headers: { authorization } })
    return answer.json()
  }
}
