import { createRequire } from 'node:module'
import type express from 'express'

/** Express 4. The tests use only what 5 has too, and its types: the alias has none. */
export const express4 = createRequire(import.meta.url)('express4') as typeof express
