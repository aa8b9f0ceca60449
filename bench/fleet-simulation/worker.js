// A thread that simulates one scenario.
import { parentPort, workerData } from 'node:worker_threads'
import { scenarios } from './scenarios.js'
import { simulate } from './simulate.js'

const { isSmoke, index } = workerData
parentPort.postMessage(await simulate(scenarios(isSmoke)[index]))
