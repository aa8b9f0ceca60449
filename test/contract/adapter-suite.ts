import type { Test } from 'tap'
import type { Harness } from '../support/adapters-harness.js'
import { answers } from './adapter-answers.js'
import { authorization } from './adapter-authorization.js'
import { failures } from './adapter-failures.js'
import { options } from './adapter-options.js'
import { origins } from './adapter-origins.js'
import { rejections } from './adapter-rejections.js'
import { requests } from './adapter-requests.js'

/** Where a group of tests is added. */
export type Suite = Pick<Test, 'test'>

/** What every adapter promises, on real sockets and against a real token endpoint. */
export function adapterSuite(t: Suite, harness: Harness): void {
  for (const group of [answers, authorization, origins, options, requests, failures, rejections]) {
    t.test(`${harness.name}: ${group.name}`, async (t) => group(t, harness))
  }
}
