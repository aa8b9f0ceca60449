import t from 'tap'
import { adapterSuite } from '../contract/adapter-suite.js'
import { guide, koaHarness } from '../support/adapters-koa.js'

// The adapter of docs/writing-an-adapter.md.
const { bandwidthToken } = await guide()
adapterSuite(t, koaHarness(bandwidthToken))
