import { readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')

t.test('each promise of the page on reliability names tests that exist', async (t) => {
  const page = await read('docs/reliability.md')
  const promises = page.split('## The promises')[1]?.split('\n## ')[0]?.split('\n### ').slice(1) ?? []
  t.equal(promises.length, 8)
  for (const promise of promises) {
    const proofs = [...promise.matchAll(/^- `(.*?)`: (.*)$/gm)]
    t.ok(proofs.length > 0, `${promise.split('\n')[0]}`)
    for (const [, file = '', name = ''] of proofs) {
      t.ok((await read(file)).includes(`'${name}'`), `${file}: ${name}`)
    }
  }
})
