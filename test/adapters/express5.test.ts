import express from 'express'
import t from 'tap'
import { adapterSuite } from '../contract/adapter-suite.js'
import { expressHarness } from '../support/adapters-express.js'

adapterSuite(t, expressHarness('express 5', express))
