/** What the app tells of the token that it got. */
export interface AppToken {
  readonly id: string | undefined
  readonly expiresAtMs: number
  /** With less than this left it must not be handed out. */
  readonly marginMs: number
}
