import { Module } from '@nestjs/common'
import { BandwidthTokenModule } from './bandwidth-token.module.js'
import { CallsController } from './calls.controller.js'
import { SignInController } from './sign-in.controller.js'

@Module({ imports: [BandwidthTokenModule], controllers: [CallsController, SignInController] })
export class AppModule {}
