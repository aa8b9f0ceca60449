// Faults that no test can find, each with the reason. `before` and `after` are the lines, blanks collapsed.
export const equivalents = []
