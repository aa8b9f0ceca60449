/** The same fields in an object without a prototype: a polluted `Object.prototype` must not add fields to it. */
export function withoutPrototype<Fields extends object>(fields: Fields): Fields {
  return Object.assign(Object.create(null), fields)
}
