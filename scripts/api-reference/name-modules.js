// A plugin of TypeDoc that names modules as they are imported: `core/src/adapter` is `@bandwidth-token/core/adapter`.
import { Converter, ReflectionKind } from 'typedoc'

export function load({ converter }) {
  converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.Module)) return
    reflection.name = reflection.name.replace(/^(\w+)\/src\b/, '@bandwidth-token/$1')
  })
}
