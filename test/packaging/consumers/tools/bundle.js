// Bundles a file with all that it requires: `node bundle.js <esbuild or webpack> <file> <folder> <name>`.
const [tool, file, folder, name] = process.argv.slice(2)

const tools = {
  esbuild: () =>
    require('esbuild').build({
      entryPoints: [file],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      minify: true,
      outfile: `${folder}/${name}`,
      logLevel: 'error'
    }),
  webpack: () =>
    new Promise((resolve, reject) => {
      const settings = {
        target: 'node',
        mode: 'production',
        optimization: { minimize: false },
        // Express requires template engines by an expression. By default webpack searches all of `node_modules` for them.
        module: { parser: { javascript: { exprContextRecursive: false } } },
        entry: file,
        output: { path: folder, filename: name }
      }
      require('webpack')(settings, (error, stats) => {
        if (error || stats.hasErrors()) reject(error ?? new Error(stats.toString('errors-only')))
        else resolve()
      })
    })
}

tools[tool]()
