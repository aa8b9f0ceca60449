import { ratioOf, spread } from './measure.js'
import { rate } from './scenarios/hot-path.js'
import { SUBJECTS } from './subjects.js'

const OURS = 'this package'
const BY_HAND = 'written by hand'
/** A figure that reaches this share of the limit is as good as it can be. */
const NEAR = 0.93

/** The rows of the table: what is measured, the target, our figure, that of hand-written code and that of each peer. */
export function toTable(figures) {
  return [
    ...hotPathRows(figures.hotPath),
    ...coldRows(figures.coldCallers),
    ...liveRows(figures.lives),
    ...routeRows(figures.routes),
    ...costRows(figures)
  ]
}

function hotPathRows(groups) {
  const { call, store, events, bytes } = groups
  const [, , ...peers] = SUBJECTS
  const adapters = { Fastify: 'request', Express: 'req' }
  return [
    atLeast('`getToken()`, fresh token, of the floor', 0.55, rate(call, 'ours', 'floor'), {
      byHand: rate(call, 'by hand', 'floor'),
      peers: Object.fromEntries(peers.map(({ name }) => [name, rate(groups[name], name, 'floor')])),
      limit: rate(call, 'limit', 'floor')
    }),
    atLeast('`getToken()`, of the hand-written rate', 1.1, rate(call, 'ours', 'by hand'), {
      limit: rate(call, 'limit', 'by hand')
    }),
    ...[
      ['`getToken({ account })`, of the floor', 0.45, groups['by account']],
      ['`getToken({ account })`, 1,000 accounts in turn', 0.32, groups['in turn']]
    ].map(([scenario, target, times]) =>
      atLeast(scenario, target, rate(times, 'ours', 'floor'), {
        byHand: rate(times, 'by hand', 'floor'),
        limit: rate(times, 'limit', 'floor')
      })
    ),
    ...['', ', by account'].flatMap((suffix) =>
      Object.entries(adapters).map(([framework, request]) => {
        const base = suffix ? 'getToken({ account })' : 'getToken()'
        const scenario = `${framework}, ${request}.bandwidthToken()${suffix}, of the rate of ${base}`
        return atLeast(scenario, 0.8, rate(groups[framework + suffix], 'request', 'provider'))
      })
    ),
    atLeast('`getToken()` with a store, of the rate without', 0.95, rate(store, 'with', 'without')),
    atLeast(
      '`getToken()` with a subscriber on every channel, of the rate without',
      0.95,
      rate(events, 'heard', 'unheard')
    ),
    ...Object.entries({ 'getToken()': '', 'getToken({ account })': ' by account' }).map(([name, suffix]) =>
      atMost(
        `\`${name}\`, bytes allocated beyond the await`,
        0.5,
        difference(bytes[`call${suffix}`], bytes.promise),
        {
          limit: difference(bytes[`limit${suffix}`], bytes.promise)
        }
      )
    )
  ]
}

function coldRows({ requests, requestsOf10000, times }) {
  const ofHand = (name) => ratioOf(times[name], times[BY_HAND])
  const peers = Object.keys(times).filter((name) => name !== OURS && name !== BY_HAND)
  return [
    atMost('requests of 100 cold callers', 1, only(requests[OURS]), others(requests)),
    atMost('requests of 10,000 cold callers', 1, only(requestsOf10000)),
    atMost('10,000 cold callers, of the hand-written time', 1.2, ofHand(OURS), {
      byHand: only(1),
      peers: Object.fromEntries(peers.map((name) => [name, ofHand(name)]))
    })
  ]
}

function liveRows(lives) {
  const of = (key) => Object.fromEntries(Object.entries(lives).map(([name, figures]) => [name, figures[key]]))
  const count = (scenario, target, key) => atMost(scenario, target, only(lives[OURS][key]), others(of(key)))
  return [
    count('calls held up at rotation, 64 callers', 0, 'heldUp'),
    count('tokens served with less than 10 s left', 0, 'dying'),
    atLeast('seconds used of a token of 600 s', 570, only(lives[OURS].lifeUsedS), others(of('lifeUsedS'))),
    count('outage with a valid token: failed calls in 3 s', 0, 'outageFailures'),
    count('outage with a valid token: requests in 3 s', 3, 'outageRequests'),
    count('outage without a token, 200 calls a second: requests in 3 s', 5, 'coldRequests'),
    count('milliseconds from recovery to the first success', 4_000, 'recoveryMs')
  ]
}

function routeRows(times) {
  return ['fastify', 'express'].flatMap((framework) => {
    const rateOf = (kind) => ratioOf(times[`${framework} bare`], times[`${framework} ${kind}`])
    const limitOf = (kind) => ({ limit: rateOf(kind) })
    const name = framework === 'express' ? 'Express' : 'Fastify'
    return [
      atLeast(`${name}: token route, of a constant route`, 0.95, rateOf('token'), limitOf('least')),
      atLeast(`${name}: another route with the plugin`, 0.97, rateOf('other'), limitOf('decorating'))
    ]
  })
}

function costRows({ memory, imports, flatness, storeCommands, pageSize, packages }) {
  const [few, many, alone, crowd] = flatness
  return [
    atMost('bytes for a cached account, token of 600 characters', 1_600, only(memory.account), {
      limit: only(memory.entry)
    }),
    atMost('heap with twice `maxTokens` accounts, of the heap with `maxTokens`', 1.1, only(memory.beyond)),
    atMost('importing, ms of processor time beyond `undici` alone', 8, spread(imports.core), {
      limit: spread(imports.unrun)
    }),
    atMost('packages added to an app with Express', 4, only(packages.express)),
    atMost('packages added to an app with Fastify', 5, only(packages.fastify)),
    atMost('commands at the store for each life and member, 100 members', 3, only(storeCommands)),
    atMost("bytes of the page's half, minified and gzipped", 3_500, only(pageSize)),
    atMost('cost of a call with 10,000 accounts, of that with 2', 1.25, ratioOf(many, few)),
    atMost('cost of a call by 1,000 callers at once, of that by 1', 1.25, ratioOf(crowd, alone))
  ]
}

function atLeast(scenario, target, figure, compared = {}) {
  const isOutOfReach = compared.limit?.median < target
  const isAtLimit = isOutOfReach && figure.median >= compared.limit.median * NEAR
  const isMet = figure.median >= target
  return { scenario, target: `≥ ${target}`, ...figure, isMet, isAtLimit, isOutOfReach, ...compared }
}

function atMost(scenario, target, figure, compared = {}) {
  const shown = target === 0.5 ? '0' : `≤ ${target.toLocaleString('en')}`
  const isOutOfReach = compared.limit?.median > target
  const isAtLimit = isOutOfReach && figure.median * NEAR <= compared.limit.median
  return {
    scenario,
    target: target === 0 ? '0' : shown,
    ...figure,
    isMet: figure.median <= target,
    isAtLimit,
    isOutOfReach,
    ...compared
  }
}

/** A figure that was counted, or measured once. */
function only(figure) {
  return { median: figure, low: figure, high: figure }
}

function others({ [OURS]: _ours, [BY_HAND]: byHand, ...peers }) {
  return {
    byHand: only(byHand),
    peers: Object.fromEntries(Object.entries(peers).map(([name, figure]) => [name, only(figure)]))
  }
}

function difference(figures, base) {
  return spread(figures.map((figure, round) => figure - base[round]))
}
