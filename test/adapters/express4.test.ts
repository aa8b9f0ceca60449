import t from 'tap'
import { adapterSuite } from '../contract/adapter-suite.js'
import { expressHarness } from '../support/adapters-express.js'
import { express4 } from '../support/adapters-express4.js'

adapterSuite(t, expressHarness('express 4', express4))
