// Prints what each entry named on the command line exports: how the first argument says, to `import`, to `require` or
// to TypeScript, which sees the types too.
const [way, ...entries] = process.argv.slice(2)

const ways = {
  import: () => Promise.all(entries.map(async (entry) => Object.keys(await import(entry)))),
  require: () => entries.map((entry) => Object.keys(require(entry))),
  types: () => namesForTypeScript()
}

function namesForTypeScript() {
  const ts = require('typescript')
  const fileName = `${__dirname}/export-names.mts`
  const source = entries.map((entry, index) => `import * as entry${index} from '${entry}'`).join('\n')
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = (name) => name === fileName || fileExists(name)
  host.readFile = (name) => (name === fileName ? source : readFile(name))

  const program = ts.createProgram([fileName], options, host)
  const checker = program.getTypeChecker()
  return program
    .getSourceFile(fileName)
    .statements.map(({ moduleSpecifier }) =>
      checker.getExportsOfModule(checker.getSymbolAtLocation(moduleSpecifier)).map(({ name }) => name)
    )
}

async function main() {
  const names = await ways[way]()
  process.stdout.write(
    JSON.stringify(Object.fromEntries(entries.map((entry, index) => [entry, names[index].sort()])))
  )
}

main()
