import fc from 'fast-check'

const key = fc.oneof(
  { weight: 4, arbitrary: fc.constant('rejected') },
  fc.constantFrom(
    '%72ejected',
    'rejecte%64',
    'Rejected',
    'rejected[]',
    'rejected[x]',
    '?rejected',
    'rejected%20',
    ''
  ),
  fc.constantFrom('__proto__', 'constructor', 'as', '%00rejected', 'rejected%', '+rejected')
)
const value = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9._~-]{1,20}$/) },
  fc.uuid(),
  fc.integer({ min: 120, max: 135 }).map((length) => 'x'.repeat(length)),
  fc.constantFrom(
    '',
    '%41',
    '%4',
    '%',
    '%zz',
    '%00',
    '%0d%0a',
    '%2561',
    '+',
    'a+b',
    'a%20b',
    'a=b',
    'a;b',
    'a?b',
    'a#b'
  ),
  fc.constantFrom(
    '%c3%a4',
    '%c3',
    '%ed%a0%80',
    '%EF%BB%BF',
    '../..',
    '{"$ne":1}',
    "'--",
    '[object%20Object]'
  ),
  fc.stringMatching(/^[!-~]{0,30}$/)
)
const pair = fc.tuple(key, fc.constantFrom('=', '=', '=', '==', ''), value).map((parts) => parts.join(''))

/** A query with and without the id of a rejected token, from the leading `?` on; ASCII, as Node lets in. */
export const rejectedQuery = fc.oneof(
  { weight: 6, arbitrary: fc.array(pair, { maxLength: 4 }).map((pairs) => `?${pairs.join('&')}`) },
  { weight: 1, arbitrary: pair.map((pair) => pair.replaceAll('?', '')) },
  { weight: 1, arbitrary: fc.array(pair, { maxLength: 3 }).map((pairs) => `?${pairs.join('?')}`) }
)
