export const nobody = undefined
