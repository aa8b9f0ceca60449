import t from 'tap'
import { identityText, Sealer } from '../../support/core-internals.js'

// Members of different versions share a store, so none of this may ever change.
const IDENTITY =
  '["https://id.voxbone.com/api/v1/oauth2/token","client","hhqYFWevZjdpqSkEmHN5yNA7Uoh5B4PaqgMVG7mmyso","voice.webrtc","Zoë"]'
const SEALED = '-7HPZVozydGuPkapR5IpPNPKUQUMLFfOF3XsEbPDGyAkJJcUgG1VOacd6w'
const sealer = new Sealer(Buffer.alloc(32, 7))

t.test('an identity is written as the first version wrote it', async (t) => {
  const identity = identityText({
    tokenUrl: 'https://id.voxbone.com/api/v1/oauth2/token',
    scope: 'voice.webrtc',
    account: 'Zoë',
    clientId: 'client',
    clientSecret: 'Cr00k$h@nk$'
  })
  t.equal(identity, IDENTITY)
})

t.test('an entry and a failure have the names that the first version gave them', async (t) => {
  t.equal(sealer.name(IDENTITY, 'entry'), '6XnITvfJea6gN16FfH2gty7HTCVHZRLlcy7fmJYKqhs')
  t.equal(sealer.name(IDENTITY, 'failure'), '_A84WqR4oir2v6fCF9Qw66FXm1qqBQSNIpzGC2zEbZ0')
})

t.test('what the first version sealed can be opened', async (t) => {
  t.equal(sealer.open(SEALED, IDENTITY, 'entry'), '{"text":"Zoë"}')
})

t.test('what is sealed has the size of what the first version sealed', async (t) => {
  t.equal(sealer.seal('{"text":"Zoë"}', IDENTITY, 'entry').length, SEALED.length)
  t.equal(sealer.open(sealer.seal('', IDENTITY, 'failure'), IDENTITY, 'failure'), '')
})

t.test('nothing is sealed twice in the same way', async (t) => {
  t.not(sealer.seal('text', IDENTITY, 'entry'), sealer.seal('text', IDENTITY, 'entry'))
})

t.test('only the same key opens it, for the same identity and purpose, whole', async (t) => {
  t.equal(new Sealer(Buffer.alloc(32, 8)).open(SEALED, IDENTITY, 'entry'), undefined)
  t.equal(sealer.open(SEALED, `${IDENTITY} `, 'entry'), undefined)
  t.equal(sealer.open(SEALED, IDENTITY, 'failure'), undefined)
  t.equal(sealer.open(SEALED.slice(0, -4), IDENTITY, 'entry'), undefined)
  t.equal(sealer.open(SEALED.slice(0, 36), IDENTITY, 'entry'), undefined)
})
