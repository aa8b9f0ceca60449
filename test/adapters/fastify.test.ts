import t from 'tap'
import { adapterSuite } from '../contract/adapter-suite.js'
import { fastifyHarness } from '../support/adapters-fastify.js'

adapterSuite(t, fastifyHarness)
