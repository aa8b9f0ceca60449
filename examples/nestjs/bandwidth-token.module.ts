import { TokenProvider } from '@bandwidth-token/core'
import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'

@Global()
@Module({
  providers: [{ provide: TokenProvider, useFactory: () => new TokenProvider({ network: 'us' }) }],
  exports: [TokenProvider]
})
export class BandwidthTokenModule implements OnApplicationShutdown {
  constructor(@Inject(TokenProvider) private readonly provider: TokenProvider) {}

  /** NestJS calls it when the server has closed. */
  onApplicationShutdown(): Promise<void> {
    return this.provider.close()
  }
}
