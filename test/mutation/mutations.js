// The faults that are planted: each replaces one stretch of a source text by another.
import { parse } from 'acorn'
import { fullAncestor } from 'acorn-walk'

const NEGATIONS = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '===': '!==', '!==': '===' }
const NEIGHBOURS = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '**': '*'
}

const METHODS = new Map(
  Object.entries({ max: 'min', min: 'max', floor: 'ceil', ceil: 'floor', every: 'some', some: 'every' })
)

/** Methods that only tidy their object: without the call, it is the untidy one. */
const FILTERS = new Set(['filter', 'flat', 'trim', 'toLowerCase'])

/** Each kind of node with the faults it invites, as `[start, end, replacement]` or texts for the whole node. */
const FAULTS = {
  BinaryExpression(node, text, parent) {
    const { left, right, operator } = node
    const others = [NEIGHBOURS[operator], ...(isDecided(node, parent) ? [] : [NEGATIONS[operator]])]
    return others.map((other) => other && between(left, right, operator, other, text))
  },
  // Dropping one side says more than swapping the operator: whatever kills the one kills the other.
  LogicalExpression: ({ left, right }, text) => [text.of(left), text.of(right)],
  ConditionalExpression: ({ consequent, alternate }, text) => [text.of(consequent), text.of(alternate)],
  IfStatement: ({ test }) => [
    [test.start, test.end, 'true'],
    [test.start, test.end, 'false']
  ],
  UnaryExpression: (node, text, parent) =>
    /^[!-]$/.test(node.operator) && !isDecided(node, parent) ? [text.of(node.argument)] : [],
  UpdateExpression: ({ operator }, text) => [text.whole.replace(operator, operator === '++' ? '--' : '++')],
  AwaitExpression: ({ argument }, text) => [text.of(argument)],
  MemberExpression({ object, computed, optional }, { source }) {
    const start = source.indexOf('?.', object.end)
    return optional ? [[start, start + 2, computed ? '' : '.']] : []
  },
  AssignmentExpression({ left, right, operator }, text) {
    return operator === '=' ? [] : [between(left, right, operator, '=', text)]
  },
  AssignmentPattern: ({ left, right }) => [[left.end, right.end, '']],
  ExpressionStatement: (node, _text, parent) =>
    isGuarded(node, parent) || node.expression.callee?.type === 'Super' ? [] : [';'],
  ThrowStatement: (node, _text, parent) => (isGuarded(node, parent) ? [] : [';']),
  ReturnStatement: (node, _text, parent) => (node.argument || isGuarded(node, parent) ? [] : [';']),
  ForOfStatement: ({ body }) => [[body.start, body.end, ';']],
  SpreadElement: () => [''],
  Property: ({ kind, shorthand, value }, _text, parent) => {
    const hasFault =
      /^(boolean|number)$/.test(typeof value.value) || (shorthand && parent.properties.length === 1)
    return kind === 'init' && parent.type === 'ObjectExpression' && !hasFault ? [''] : []
  },
  CallExpression({ callee, optional }, text) {
    if (optional) return [[callee.end, callee.end + 2, '']]
    if (callee.type !== 'MemberExpression' || callee.computed) return []
    const { object, property } = callee
    const other = METHODS.get(property.name)
    if (other !== undefined) return [[property.start, property.end, other]]
    return FILTERS.has(property.name) ? [text.of(object)] : []
  },
  Literal({ value, regex }, _text, parent) {
    if (parent.source !== undefined) return []
    if (regex) return regexFaults(regex).map(({ pattern, flags }) => `/${pattern}/${flags}`)
    if (typeof value === 'boolean') return [String(!value)]
    if (typeof value === 'number') return [`${value + 1}`]
    // What a text is compared with, and the value of a property, have faults of their own. Words with a space
    // between them are prose, which may change without harm.
    if (typeof value !== 'string' || /^(BinaryExpression|Property)$/.test(parent.type) || value.includes(' '))
      return []
    return [value === '' ? "'x'" : "''"]
  },
  TemplateLiteral: () => ['``']
}

/** Whether a condition is decided both ways by a fault of its own: to negate it says no more. */
function isDecided(node, parent) {
  return /^(If|Conditional)/.test(parent.type) && parent.test === node
}

/** Whether a statement is all that a condition guards: the fault that makes it false removes it. */
function isGuarded(node, parent) {
  return parent.type === 'IfStatement' && parent.consequent === node && parent.alternate === null
}

function regexFaults({ pattern, flags }) {
  const variants = [pattern.replace(/^\^/, ''), pattern.replace(/\$$/, '')]
  for (const { index, 0: sign } of pattern.matchAll(/(?<=[\w)\].])[+*?]/g)) {
    const other = { '+': '*', '*': '+', '?': '' }[sign]
    variants.push(pattern.slice(0, index) + other + pattern.slice(index + 1))
  }
  for (const { index, 0: bounds, 1: last } of pattern.matchAll(/(\d+)\}/g)) {
    variants.push(`${pattern.slice(0, index)}${Number(last) + 1}}${pattern.slice(index + bounds.length)}`)
  }
  const changed = variants
    .filter((variant) => variant !== pattern)
    .map((variant) => ({ pattern: variant, flags }))
  return flags === '' ? changed : [...changed, { pattern, flags: '' }]
}

/** Replaces the operator that stands between two nodes. */
function between(left, right, operator, other, { source }) {
  const start = source.indexOf(operator, left.end)
  return start < right.start ? [start, start + operator.length, other] : undefined
}

/** Every fault that a source text (JavaScript) invites, each once. */
export function mutationsOf(source) {
  const found = new Map()
  const tree = parse(source, { ecmaVersion: 'latest', sourceType: 'module' })
  fullAncestor(tree, (node, _state, ancestors) => {
    const text = {
      source,
      whole: source.slice(node.start, node.end),
      of: ({ start, end }) => `(${source.slice(start, end)})`
    }
    for (const fault of FAULTS[node.type]?.(node, text, ancestors.at(-2)) ?? []) {
      if (fault === undefined) continue
      let [start, end, replacement] = Array.isArray(fault) ? fault : [node.start, node.end, fault]
      const isMember = replacement === '' && /^(Property|SpreadElement)$/.test(node.type)
      // What is taken out of a list takes its comma along.
      if (isMember && /^\s*,/.test(source.slice(end))) end = source.indexOf(',', end) + 1
      const mutated = source.slice(0, start) + replacement + source.slice(end)
      if (mutated !== source) found.set(mutated, { start, end, replacement, mutated })
    }
  })
  return [...found.values()].sort((a, b) => a.start - b.start)
}
