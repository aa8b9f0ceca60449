/** A copy without a prototype: nobody who reads it reads what somebody has added to `Object.prototype`. */
export const ownPropertiesOf = <Properties extends object>(given: Properties): Properties =>
  Object.assign(Object.create(null), given)
