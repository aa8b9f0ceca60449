import { spread } from './measure.js'

const BEGIN = '<!-- figures: pnpm run bench -->'
const CHART = '![The rate of getToken() and of what it is compared with](performance.svg)'
const END = '<!-- end of the figures -->'

/** The table of a report, and the peers with their figures, as Markdown. */
export function toMarkdown({ date, seconds, isPreliminary, machine, versions, rows, figures }) {
  const peers = Object.keys(versions).filter((name) => name !== '@bandwidth-token/core')
  return [
    `Measured on ${date} in ${seconds} s with \`pnpm run bench\`: Node.js ${machine.node}, ${machine.cores} cores of`,
    `${machine.cpu ?? 'an unknown kind'}.${isPreliminary ? ' **Preliminary: the machine was busy with other work.**' : ''}`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `\`${name}\` ${version}`)
      .join(', ')}.`,
    '',
    ...table(
      ['scenario', 'target', 'this package', 'half of the rounds', 'written by hand', 'limit', 'met'],
      rows.map(({ scenario, target, median, low, high, byHand, limit, isMet, isAtLimit, isOutOfReach }) => [
        scenario,
        target,
        shown(median),
        low === high ? '–' : `${shown(low)}–${shown(high)}`,
        shown(byHand?.median),
        shown(limit?.median),
        isMet ? 'yes' : isAtLimit ? 'the limit' : isOutOfReach ? 'no, nor the limit' : '**no**'
      ])
    ),
    '',
    `Importing the same files without a line of code, but with their imports, takes ${shown(spread(figures.imports.empty).median)} ms.`,
    '',
    ...table(
      ['compared', 'this package', ...peers.map(short)],
      rows
        .filter(({ peers: others }) => others !== undefined)
        .map(({ scenario, median, peers: others }) => [
          scenario,
          shown(median),
          ...peers.map((name) => shown(find(others, name)?.median))
        ])
    )
  ].join('\n')
}

/** A page with its figures replaced: they stand between two markers. */
export function withFigures(page, report) {
  const [before, rest] = page.split(BEGIN)
  const [, after] = rest?.split(END) ?? []
  if (after === undefined) throw new Error(`The page has no ${BEGIN} and ${END}.`)
  return `${before}${BEGIN}\n\n${CHART}\n\n${toMarkdown(report)}\n\n${END}${after}`
}

function table(headings, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(headings), line(headings.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)]
}

/** The figures of a peer: one of them is measured together with another package. */
function find(figures, packageName) {
  return figures[packageName] ?? figures[`${packageName} + lru-cache`]
}

function short(name) {
  return name === 'openid-client' ? '`openid-client` + `lru-cache`' : `\`${name}\``
}

function shown(figure) {
  if (figure === undefined || figure === null || Number.isNaN(figure)) return '–'
  return figure.toLocaleString('en', { maximumFractionDigits: Math.abs(figure) < 20 ? 2 : 0 })
}
