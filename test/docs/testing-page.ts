import { codeBlocks, read } from './documents.js'

/** The files that docs/testing.md shows: each block names its own. */
export async function pageOnTesting(): Promise<Map<string, string>> {
  const blocks = codeBlocks(await read('docs/testing.md'), 'js')
  return new Map(blocks.map((block) => [/^\/\/ (\S+)\n/.exec(block)?.[1] ?? block, block]))
}
