// Runs one test file after the other, each time with modules of its own. To start a process takes longer than most tests.
import { Session } from 'node:inspector/promises'
import fc from 'fast-check'
import { Test } from 'tap'

const ROOT = new URL('../../', import.meta.url)

let count = 0
let session

// Whoever started this process was ended.
process.on('disconnect', () => process.exit())

process.on('message', async ({ file, folder, isQuick, isMeasured }) => {
  fc.resetConfigureGlobal()
  if (isMeasured) await startMeasuring()
  const startMs = performance.now()
  const search = new URLSearchParams({ run: ++count, sources: folder, ...(isQuick && { quick: '' }) })
  // For its children.
  process.env.MUTATION_SOURCES = folder
  const result = (await passes(new URL(`${file}?${search}`, ROOT).href)) ? 'passed' : 'failed'
  const tookMs = performance.now() - startMs
  process.send({ result, tookMs, scripts: isMeasured ? await scriptsOf(`run=${count}&`) : [] })
})

function passes(address) {
  return new Promise((resolve) => {
    const test = new Test({
      name: address,
      bail: true,
      // Whoever started this process waits no longer.
      timeout: 600_000,
      cb: async (t) => {
        globalThis[Symbol.for('test that runs')] = t
        await import(address)
      }
    })
    test.resume()
    test.once('bailout', () => resolve(false))
    test.runMain(() => resolve(test.results?.ok === true))
  })
}

async function startMeasuring() {
  if (session !== undefined) return
  session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}

/** Which of their ranges the scripts of that run have run. */
async function scriptsOf(run) {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  return result.filter(({ url }) => url.includes(run) && url.includes('/packages/'))
}
