// Prints what each package named on the command line exports, types included.
const ts = require('typescript')

const packages = process.argv.slice(2)
const fileName = `${__dirname}/export-names.mts`
const source = packages.map((name, index) => `import * as p${index} from '${name}'`).join('\n')
const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext }
const host = ts.createCompilerHost(options)
const { fileExists, readFile } = host
host.fileExists = (name) => name === fileName || fileExists(name)
host.readFile = (name) => (name === fileName ? source : readFile(name))

const program = ts.createProgram([fileName], options, host)
const checker = program.getTypeChecker()
const faces = program.getSourceFile(fileName).statements.map(({ moduleSpecifier }) => {
  const module = checker.getSymbolAtLocation(moduleSpecifier)
  return [moduleSpecifier.text, checker.getExportsOfModule(module).map(({ name }) => name)]
})
process.stdout.write(JSON.stringify(Object.fromEntries(faces)))
