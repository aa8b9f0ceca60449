import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import GithubSlugger from 'github-slugger'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

export const read = (...path: string[]) => readFile(join(root, ...path), 'utf8')

/** The paths of all documents that people wrote: what tools make or install is left out. */
export async function documents(folder = ''): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.name.startsWith('.') || MADE.has(entry.name)) continue
    if (entry.isDirectory()) found.push(...(await documents(path)))
    else if (entry.name.endsWith('.md')) found.push(path)
  }
  return found.sort()
}

const MADE = new Set(['node_modules', 'dist', 'build', 'api', 'CHANGELOG.md'])

/** The blocks of code in a language, such as `js|tsx?`. */
export function codeBlocks(text: string, language: string): string[] {
  const blocks = new RegExp(`^\`\`\`(?:${language})\\n(.*?)^\`\`\`$`, 'gms')
  return [...text.matchAll(blocks)].map(([, code = '']) => code)
}

/** Whether a block is CommonJS. */
export const isCommonJs = (block: string): boolean => /= require\(/.test(block)

const withoutCode = (text: string) => text.replace(/^( *)```.*?^\1```$/gms, '').replace(/`[^`\n]*`/g, 'code')

/** Where the links and images of a document lead, those to other sites left out. */
export function linksOf(text: string): string[] {
  const links = withoutCode(text).matchAll(/\]\(([^)\s]+)\)|<(?:img|a)\b[^>]*?\b(?:src|href)="([^"]+)"/g)
  return [...links]
    .map(([, markdown, html]) => markdown ?? html ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const slugger = new GithubSlugger()
  const headings = text.replace(/^```.*?^```$/gms, '').matchAll(/^#{1,6} +(.*?) *$/gm)
  return new Set([...headings].map(([, heading = '']) => slugger.slug(textOf(heading))))
}

/** A heading as a reader sees it. */
const textOf = (heading: string) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '')
