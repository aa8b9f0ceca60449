// The processor time, in microseconds, from the first call until the last caller is served:
// `node cold-process.js <subject> <callers> <credentials>`.
import { cpuTimeOf } from '../measure.js'
import { SUBJECTS } from '../subjects.js'

const [, , wanted, callers, credentials] = process.argv
const { open } = SUBJECTS.find(({ name }) => name === wanted)
const { getToken, call = getToken } = await open(JSON.parse(credentials))
const time = await cpuTimeOf(() => Promise.all(Array.from({ length: Number(callers) }, () => call())))
process.stdout.write(String(time), () => process.exit())
