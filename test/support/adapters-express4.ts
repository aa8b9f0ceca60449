import { createRequire } from 'node:module'
import type express from 'express'

/** Express 4, of which the tests use what it has in common with 5; the alias has no types of its own. */
export const express4 = createRequire(import.meta.url)('express4') as typeof express
