/** Bodies that can be read more than once. */
const REREADABLE: ReadonlySet<string> = new Set([
  'Blob',
  'File',
  'FormData',
  'ArrayBuffer',
  'SharedArrayBuffer'
])

/** Whether a body can be sent a second time. A stream or an iterator is used up by the first one. */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === 'string' || ArrayBuffer.isView(body)) return true
  return REREADABLE.has(Object.prototype.toString.call(body).slice('[object '.length, -1))
}

/**
 * Calls `onError` if a stream fails before it is sent, which would end the process if nobody listened. Returns a
 * function that stops it.
 */
export function watchBody(body: unknown, onError: (error: unknown) => void): () => void {
  if (!isEmitter(body)) return () => {}
  body.on('error', onError)
  return () => void body.off('error', onError)
}

function isEmitter(body: unknown): body is Pick<NodeJS.EventEmitter, 'on' | 'off'> {
  const { on, off } = (body ?? {}) as Partial<NodeJS.EventEmitter>
  return typeof on === 'function' && typeof off === 'function'
}
