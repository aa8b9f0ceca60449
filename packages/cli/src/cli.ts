#!/usr/bin/env node
import type { Dispatcher } from 'undici'
import { badProxy } from './checks/endpoint.js'
import { type Command, HELP, readCommandLine } from './command-line.js'
import { examine } from './doctor.js'
import { attempt } from './observe/attempt.js'
import { isWell, render } from './render.js'
import { openSender } from './undici.js'

const OK = 0
const FAULT = 1
const WRONG_COMMAND_LINE = 2

const { stderr, stdout } = process

for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Its reader has gone, as in `bandwidth-token check | head -1`.
    if (error.code !== 'EPIPE') throw error
    process.exitCode ??= FAULT
  })
}

process.exitCode = await run(readCommandLine(process.argv.slice(2)))

async function run(command: Command): Promise<number> {
  switch (command.name) {
    case 'help':
      stdout.write(HELP)
      return OK
    case 'wrong':
      stderr.write(`bandwidth-token: ${command.problem}. Try bandwidth-token --help.\n`)
      return WRONG_COMMAND_LINE
    case 'check':
      return check(command)
    case 'token':
      return printToken(command)
  }
}

async function check(command: Extract<Command, { name: 'check' }>): Promise<number> {
  const findings = await withProxies((dispatcher) => examine(command, dispatcher))
  const isTerminal = stdout.isTTY && stdout.hasColors()
  stdout.write(render(findings, command.isJson ? 'json' : isTerminal ? 'terminal' : 'plain'))
  return isWell(findings) ? OK : FAULT
}

async function printToken(command: Extract<Command, { name: 'token' }>): Promise<number> {
  const { account, network, allowInsecureTokenUrl } = command
  const outcome = await withProxies(
    async (dispatcher) => dispatcher && attempt({ network, allowInsecureTokenUrl }, dispatcher, account)
  )
  if (outcome?.token !== undefined) {
    stdout.write(`${outcome.token.accessToken}\n`)
    return OK
  }
  const { error, hint } = outcome ?? { error: badProxy() }
  const advice = [error?.message, hint, 'For more: bandwidth-token check.'].filter(Boolean).join(' ')
  stderr.write(`bandwidth-token: ${advice}\n`)
  return FAULT
}

/** Runs something that sends requests. */
async function withProxies<Result>(send: (dispatcher: Dispatcher | undefined) => Promise<Result>) {
  const sender = openSender()
  try {
    return await send(sender?.dispatcher)
  } finally {
    await sender?.destroy()
  }
}
