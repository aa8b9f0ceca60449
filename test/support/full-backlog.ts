import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { Teardown } from './teardown.js'

/** A listener that never accepts a connection from its queue. */
const STANDSTILL = `
const { parentPort, workerData } = require('node:worker_threads')
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  Atomics.wait(new Int32Array(workerData), 0, 0)
  process.exit()
})`

/** A port at which a connection hangs before it is made: the queue of its listener is full. */
export async function startFullBacklog(t: Teardown): Promise<number> {
  const gate = new SharedArrayBuffer(4)
  const worker = new Worker(STANDSTILL, { eval: true, workerData: gate })
  const [port] = (await once(worker, 'message')) as [number]
  const waiting: Socket[] = []
  t.teardown(async () => {
    for (const socket of waiting) socket.destroy()
    Atomics.store(new Int32Array(gate), 0, 1)
    Atomics.notify(new Int32Array(gate), 0)
    await once(worker, 'exit')
  })
  // The kernel queues one connection more than the backlog. The next one gets no answer.
  for (let place = 0; place < 2; place++) {
    const socket = connect(port, '127.0.0.1')
    waiting.push(socket)
    await once(socket, 'connect')
  }
  return port
}
