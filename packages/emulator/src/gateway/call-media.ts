import type { Local, Remote } from './offer.js'

/** The media of all calls of an emulator. */
export interface CallMedia {
  /** Makes an id for the media of one call. */
  nextId(): number
  /** Opens a UDP port on the address. If the id already has one, restarts ICE on it. */
  open(id: number, address: string, remote: Remote): Promise<Local>
  /** Sets whether the caller hears itself. */
  echo(id: number, on: boolean): void
  close(id: number): void
  stop(): Promise<void>
}
