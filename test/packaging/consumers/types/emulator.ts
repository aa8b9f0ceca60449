// Works in CommonJS too, where the package is out of reach of `require`.
export async function emulate(): Promise<string> {
  const { startEmulator } = await import('@bandwidth-token/emulator')
  const emulator = await startEmulator({ expiresIn: 60 })
  emulator.script([{ status: 503 }, {}, { on: 'invite', status: 603, delayMs: 10 }])
  // @ts-expect-error: a call has no body
  emulator.script([{ on: 'invite', body: 'x' }])
  emulator.revoke(emulator.received[0]?.accessTokenId ?? 'id')
  // @ts-expect-error: the emulator is not `any`
  emulator.nothing
  await emulator.close()
  return emulator.tokenUrl + emulator.gatewayUrl
}
