/** The lines of one section of a session description (RFC 8866): of the session, or of one of its media. */
export type Section = readonly string[]

export interface MediaLine {
  readonly type: string
  readonly port: number
  readonly protocol: string
  readonly payloads: string
}

export const lineEnd = '\r\n'

/** Splits a description: first the section of the session, then one for each of its media. */
export function readSections(sdp: string): readonly [Section, ...Section[]] {
  const session: string[] = []
  const sections: [string[], ...string[][]] = [session]
  for (const line of sdp.split(/\r?\n/)) {
    if (line.startsWith('m=')) sections.push([])
    sections.at(-1)?.push(line)
  }
  return sections
}

/** The first line of a section of media (RFC 8866 §5.14). `undefined` if it is malformed. */
export function mediaLine([line = '']: Section): MediaLine | undefined {
  const [, type, port, protocol, payloads] = /^m=(\w+) (\d+)(?:\/\d+)? (\S+) (.+)$/.exec(line) ?? []
  if (type === undefined || protocol === undefined || payloads === undefined) return undefined
  return { type, port: Number(port), protocol, payloads }
}

/** The values of all attributes of that name: what is behind the colon, or an empty string. */
export function attributes(section: Section, name: string): string[] {
  const start = `a=${name}`
  return section
    .filter((line) => line === start || line.startsWith(`${start}:`))
    .map((line) => line.slice(start.length + 1))
}
