/** The columns of the table: heading and text of a figure. A figure that does not apply is a dash. */
const COLUMNS = [
  ['scenario', ({ name }) => name],
  ['members', ({ members }) => whole(members)],
  ['hours', ({ hours }) => String(Number(hours.toFixed(2)))],
  ['requests', ({ requests }) => whole(requests)],
  ['lives', ({ lives }) => whole(lives)],
  ['requests per life', ({ requestsPerLife }) => twoDecimals(requestsPerLife)],
  ['… in the fault’s hour', ({ requestsPerLifeInFault }) => twoDecimals(requestsPerLifeInFault)],
  ['requests in the second after a restart', ({ requestsAfterRestart }) => whole(requestsAfterRestart)],
  ['commands per member and second', ({ commandsPerMemberAndSecond: count }) => count?.toFixed(4)],
  ['commands per member and life', ({ commandsPerMemberAndLife }) => twoDecimals(commandsPerMemberAndLife)],
  ['most commands in a second', ({ mostCommandsPerSecond }) => whole(mostCommandsPerSecond)],
  ['calls', ({ calls }) => whole(calls)],
  ['held up', ({ heldUp }) => whole(heldUp)],
  ['failed', ({ failures }) => whole(failures)],
  ['least life left, s', ({ leastLeftMs }) => (leastLeftMs / 1000).toFixed(1)],
  ['longest first call, ms', ({ longestColdMs }) => whole(longestColdMs)]
]

/** All figures as a Markdown page. */
export function toMarkdown({ date, machine, version, seconds, results }) {
  const row = (cells) => `| ${cells.join(' | ')} |`
  return [
    '# A simulated fleet',
    '',
    `Made by \`pnpm run bench:fleet\` on ${date}, in ${seconds} s, with version ${version} of the core, Node.js`,
    `${machine.node}, ${machine.cores} cores (${machine.architecture}). Tokens live 600 s; each member is called once a`,
    'minute; all clocks are up to 5 s off. [How it works, and where it may mislead](../README.md#a-simulated-fleet).',
    '',
    '![Requests per life by the size of the fleet](chart.svg)',
    '',
    row(COLUMNS.map(([heading]) => heading)),
    row(COLUMNS.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...results.map((result) => row(COLUMNS.map(([, text]) => text(result) ?? '–'))),
    ''
  ].join('\n')
}

/** The columns that matter to whoever decides about a store. */
const DOCS_COLUMNS = [
  'scenario',
  'members',
  'hours',
  'requests per life',
  '… in the fault’s hour',
  'requests in the second after a restart',
  'commands per member and life',
  'held up',
  'failed',
  'least life left, s'
]

/** The table of `docs/scaling.md`, from its first mark to its last. */
export function toDocs({ results }) {
  const columns = COLUMNS.filter(([heading]) => DOCS_COLUMNS.includes(heading))
  const rows = results.map((result) => columns.map(([, text]) => text(result) ?? '–'))
  const headings = columns.map(([heading]) => heading)
  const widths = headings.map((heading, at) =>
    Math.max(...[heading, ...rows.map((row) => row[at])].map(lengthOf))
  )
  const line = (cells) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(' | ')} |`
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return ['<!-- figures -->', '', ...[headings, rule, ...rows].map(line), '', '<!-- end of figures -->'].join(
    '\n'
  )
}

function lengthOf(text) {
  return text.length
}

function whole(count) {
  return count?.toLocaleString('en')
}

function twoDecimals(count) {
  return count?.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}
