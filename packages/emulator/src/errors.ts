/** The codes of the emulator's errors. Recognise an error by `code`, never by `instanceof`. */
export type EmulatorErrorCode =
  /** A bad, misspelt or contradictory option or fault; `message` names it and the fix. */
  | 'ERR_BANDWIDTH_EMULATOR_OPTION_INVALID'
  /** The emulator could not listen on the host and port. Most often the port is taken. */
  | 'ERR_BANDWIDTH_EMULATOR_LISTEN'

/** The one error class of the emulator. Its `message` names what is wrong and the fix. */
export class EmulatorError extends Error {
  override readonly name = 'EmulatorError'
  readonly code: EmulatorErrorCode

  constructor(code: EmulatorErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
