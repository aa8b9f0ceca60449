// Puts the public address of this repository into what is published. `config.publicAddress` in the root's package.json
// is the one place where it stands, such as "https://github.com/owner/repository".
//
//   node scripts/public-address.js check          fails if there is no address, or a bad one
//   node scripts/public-address.js run <command>  runs a command while the packages have the address
//
// The packages' package.json get `homepage`, `bugs` and `repository`, and the relative links of their READMEs become
// absolute: in a tarball there is no `../../docs`. Afterwards all files are as they were.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

/** The address in the text of the root's package.json. Throws if there is none, and says where to put it. */
export function addressIn(manifest) {
  const address = JSON.parse(manifest).config?.publicAddress
  if (
    typeof address === 'string' &&
    /^https:\/\/[\w.-]+\/[\w.-]+\/[\w.-]+$/.test(address) &&
    !/\.git$/.test(address)
  ) {
    return address
  }
  throw new Error(
    'Set "config.publicAddress" in package.json to the public address of this repository, such as ' +
      `"https://github.com/owner/repository"; it is ${JSON.stringify(address)}.`
  )
}

/** The text of a package's package.json, with the address. */
export function manifestWith(manifest, address, folder) {
  const { name, version, description, ...rest } = JSON.parse(manifest)
  const places = {
    homepage: `${address}/tree/HEAD/${folder}#readme`,
    bugs: { url: `${address}/issues` },
    repository: { type: 'git', url: `git+${address}.git`, directory: folder }
  }
  return `${JSON.stringify({ name, version, description, ...places, ...rest }, null, 2)}\n`
}

/** The text of a package's README, with absolute links. Code and links within the page stay as they are. */
export function readmeWith(readme, address, folder) {
  const absolute = (link, view) => {
    if (/^(?:[a-z]+:|#|\/)/.test(link)) return link
    return `${address}/${view}/HEAD/${posix.join(folder, link)}`
  }
  return readme
    .split(/(^```.*?^```$|`[^`\n]*`)/ms)
    .map((text, index) => {
      if (index % 2 === 1) return text
      return text
        .replace(/(!\[[^\]]*\]\()([^)\s]+)\)/g, (_all, start, link) => `${start}${absolute(link, 'raw')})`)
        .replace(/\]\(([^)\s]+)\)/g, (_all, link) => `](${absolute(link, 'blob')})`)
        .replace(/(<img\b[^>]*?\bsrc=")([^"]+)/g, (_all, start, link) => start + absolute(link, 'raw'))
        .replace(/(<a\b[^>]*?\bhref=")([^"]+)/g, (_all, start, link) => start + absolute(link, 'blob'))
    })
    .join('')
}

/** Calls a function while the packages below `root` have the address, and returns its result. */
export function withAddress(root, call) {
  const address = addressIn(readFileSync(join(root, 'package.json'), 'utf8'))
  const before = new Map()
  const change = (path, changed) => {
    const text = readFileSync(path, 'utf8')
    before.set(path, text)
    writeFileSync(path, changed(text))
  }
  try {
    for (const entry of readdirSync(join(root, 'packages'), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      const folder = `packages/${entry.name}`
      change(join(root, folder, 'package.json'), (text) => manifestWith(text, address, folder))
      change(join(root, folder, 'README.md'), (text) => readmeWith(text, address, folder))
    }
    return call()
  } finally {
    for (const [path, text] of before) writeFileSync(path, text)
  }
}

function main([task, command, ...args]) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)))
  if (task === 'check') addressIn(readFileSync(join(root, 'package.json'), 'utf8'))
  else if (task === 'run' && command !== undefined) {
    // Ctrl+C ends the command; the files have to be put back after that.
    process.on('SIGINT', () => {})
    const { status } = withAddress(root, () => spawnSync(command, args, { cwd: root, stdio: 'inherit' }))
    process.exitCode = status ?? 1
  } else throw new Error('Usage: public-address.js check | run <command> <arguments>')
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
