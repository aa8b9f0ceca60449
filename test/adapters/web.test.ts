import t from 'tap'
import { adapterSuite } from '../contract/adapter-suite.js'
import { webHarness } from '../support/adapters-web.js'

adapterSuite(t, webHarness)
