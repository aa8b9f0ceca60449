import { createInterface } from 'node:readline'

/** Does what the test tells, a line each: a number, the name of a command, its arguments. Answers with a line of JSON. */
export async function obey(
  commands: Readonly<Record<string, (...args: string[]) => unknown>>
): Promise<void> {
  // What holds nothing open elsewhere does so here: it waits for what it is told.
  process.stdin.ref?.()
  process.stdout.write(`${JSON.stringify('ready')}\n`)
  for await (const line of createInterface({ input: process.stdin })) {
    const [id, name = '', ...args] = line.split(' ')
    Promise.resolve(commands[name]?.(...args)).then((result) =>
      process.stdout.write(`${JSON.stringify({ id: Number(id), result })}\n`)
    )
  }
}
