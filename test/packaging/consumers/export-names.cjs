// Prints what each entry named on the command line exports: how the first argument says, to `import`, to `require` or
// to TypeScript, which sees the types too.
const [way, ...entries] = process.argv.slice(2)

const ways = {
  import: async (entry) => Object.keys(await import(entry)),
  require: (entry) => Object.keys(require(entry)),
  types: (entry) => typesOf(entry)
}

function typesOf(entry) {
  const ts = require('typescript')
  const fileName = `${__dirname}/export-names.mts`
  const source = `import * as entry from '${entry}'`
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = (name) => name === fileName || fileExists(name)
  host.readFile = (name) => (name === fileName ? source : readFile(name))

  const program = ts.createProgram([fileName], options, host)
  const checker = program.getTypeChecker()
  const [{ moduleSpecifier }] = program.getSourceFile(fileName).statements
  return checker.getExportsOfModule(checker.getSymbolAtLocation(moduleSpecifier)).map(({ name }) => name)
}

async function main() {
  const names = {}
  for (const entry of entries) names[entry] = (await ways[way](entry)).sort()
  process.stdout.write(JSON.stringify(names))
}

main()
