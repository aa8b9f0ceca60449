const WIDTH = 720
const LEFT = 220
const RIGHT = 60
const TOP = 60
const BAR = 30
const COLOURS = { ours: '#1a5fb4', other: '#9a9996', limit: '#2e7d32' }

/** The rate of a call with a fresh token, as a share of awaiting an empty async function, as SVG. */
export function toChart({ rows }) {
  const [{ median, byHand, peers, limit }] = rows
  const bars = [
    { name: 'one clock reading (the limit)', value: limit.median, colour: COLOURS.limit },
    { name: 'this package', value: median, colour: COLOURS.ours },
    { name: 'written by hand', value: byHand.median, colour: COLOURS.other },
    ...Object.entries(peers).map(([name, figure]) => ({ name, value: figure.median, colour: COLOURS.other }))
  ]
  const most = Math.max(...bars.map(({ value }) => value))
  const height = TOP + bars.length * BAR + 30
  const title = 'getToken() with a fresh token, as a share of awaiting an empty async function'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title"`,
    'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
    `<title id="title">${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="20" y="32" font-size="15" font-weight="600">${title}</text>`,
    ...bars.flatMap(({ name, value, colour }, index) => {
      const y = TOP + index * BAR
      const width = Math.round((value / most) * (WIDTH - LEFT - RIGHT))
      return [
        `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${name}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 9}" fill="${colour}"/>`,
        `<text x="${LEFT + width + 8}" y="${y + 15}">${value.toFixed(2)}</text>`
      ]
    }),
    '</svg>',
    ''
  ].join('\n')
}
