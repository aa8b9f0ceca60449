const WIDTH = 720
const HEIGHT = 440
const LEFT = 84
const RIGHT = 30
const TOP = 56
const BOTTOM = 64

const LINES = [
  { name: 'no store', label: 'without a store', colour: '#b3261e' },
  { name: 'healthy', label: 'with a store', colour: '#1a5fb4' }
]

/** Requests per life by the size of the fleet, with a store and without one, both axes logarithmic, as SVG. */
export function toChart(results) {
  const most = Math.max(...results.filter(({ name }) => name === 'healthy').map(({ members }) => members))
  const decades = Math.max(1, Math.ceil(Math.log10(most)))
  const x = (members) =>
    LEFT + ((Math.log10(members) - 1) / Math.max(1, decades - 1)) * (WIDTH - LEFT - RIGHT)
  const y = (perLife) => HEIGHT - BOTTOM - (Math.log10(perLife) / decades) * (HEIGHT - TOP - BOTTOM)
  const powers = Array.from({ length: decades + 1 }, (_, exponent) => 10 ** exponent)

  const gridLines = powers.map(
    (power) => line(LEFT, y(power), WIDTH - RIGHT, y(power)) + text(LEFT - 10, y(power) + 4, power, 'end')
  )
  const ticks = powers.slice(1).map((power) => text(x(power), HEIGHT - BOTTOM + 22, power, 'middle'))
  const series = LINES.map(({ name, label, colour }, index) => {
    const points = results
      .filter((result) => result.name === name)
      .map(({ members, requestsPerLife }) => [x(members), y(requestsPerLife)].map(Math.round))
    return [
      `<polyline fill="none" stroke="${colour}" stroke-width="2.5" points="${points.join(' ')}"/>`,
      ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="4" fill="${colour}"/>`),
      `<rect x="${LEFT + 16}" y="${TOP + 6 + 22 * index}" width="18" height="4" fill="${colour}"/>`,
      text(LEFT + 42, TOP + 12 + 22 * index, label, 'start')
    ].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title"`,
    'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
    '<title id="title">Requests to the token endpoint per life of a token, by the size of the fleet</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="30" font-size="16" font-weight="600">Requests to the token endpoint per life of a token</text>`,
    ...gridLines,
    ...ticks,
    ...series,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, 'members of the fleet', 'middle'),
    `<text transform="translate(20 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">requests per life</text>`,
    '</svg>',
    ''
  ].join('\n')
}

function line(x1, y1, x2, y2) {
  return `<line x1="${x1}" y1="${Math.round(y1)}" x2="${x2}" y2="${Math.round(y2)}" stroke="#ddd"/>`
}

function text(x, y, content, anchor) {
  const shown = typeof content === 'number' ? content.toLocaleString('en') : content
  return `<text x="${Math.round(x)}" y="${Math.round(y)}" text-anchor="${anchor}">${shown}</text>`
}
