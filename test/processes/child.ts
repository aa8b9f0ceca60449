import { fileURLToPath } from 'node:url'
import { Program } from '../support/program.js'
import type { Teardown } from '../support/teardown.js'

/** Polls until the condition holds. The limit is for a machine that is very busy, not for the code. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 60_000
): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`still not so after ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A Node process that runs one of the modules here. */
export class Child extends Program {
  constructor(t: Teardown, name: string, options: object = {}, flags: readonly string[] = []) {
    const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
    super(t, [...flags, file, JSON.stringify(options)])
  }

  get hasExited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** The first line that the process has written, which is JSON. */
  async report<Report>(): Promise<Report> {
    await until(() => this.stdout.includes('\n') || this.hasExited, 'it has written a line', 120_000)
    const [line = ''] = this.stdout.split('\n')
    if (line === '') throw new Error(`It ended without a line: ${this.stderr}`)
    return JSON.parse(line)
  }

  /** The exit code, or the signal that ended the process; fails if it goes on. */
  async exit(limitMs: number): Promise<unknown> {
    await until(() => this.hasExited, 'it has ended', limitMs)
    return this.exitCode()
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exitCode()
  }
}
