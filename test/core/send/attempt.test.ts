import { install } from '@sinonjs/fake-timers'
import t, { type Test } from 'tap'
import { Attempt } from '../../support/core-internals.js'

const KIB = 1024
const nothing = () => {}

/** An attempt, and what its caller and its connection hear of it. */
function setStage({ holds401 = true } = {}) {
  const heard: unknown[] = []
  const aborts: unknown[] = []
  let resumed = 0
  let refusals = 0
  const attempt = new Attempt(
    () => {
      refusals++
      return holds401
    },
    () => heard.push('over')
  )
  const tell =
    (what: string, answer: unknown = undefined) =>
    () => {
      heard.push(what)
      return answer
    }
  return {
    attempt,
    heard,
    aborts,
    tell,
    start: () => attempt.start((reason) => aborts.push(reason), tell('start')),
    respond: (statusCode: number, answer?: unknown) =>
      attempt.respond(statusCode, () => resumed++, tell(`status ${statusCode}`, answer)),
    read: (bytes: number, answer?: unknown) => attempt.read(bytes, tell(`${bytes} bytes`, answer)),
    end: () => attempt.end(tell('end')),
    resumes: () => resumed,
    refusals: () => refusals
  }
}

/** A 401 that is held back. */
function setHeld() {
  const stage = setStage()
  stage.start()
  stage.respond(401)
  return stage
}

t.test('an attempt that is passed on', async (t) => {
  t.test('tells its caller at once', async (t) => {
    const { start, respond, read, end, heard, refusals } = setStage()
    start()
    t.strictSame(heard, ['start'])
    t.equal(respond(200), true)
    t.equal(read(100 * KIB), true)
    t.equal(read(100 * KIB), true, 'of any length')
    end()
    t.strictSame(heard, ['start', 'status 200', '102400 bytes', '102400 bytes', 'end', 'over'])
    t.equal(refusals(), 0)
  })

  t.test('goes on unless its caller says that it wants no more for now', async (t) => {
    const { start, respond, read } = setStage()
    start()
    t.equal(respond(200, false), false)
    t.equal(read(1, false), false)
    t.equal(read(1, true), true)
  })

  t.test('passes on a 401 that is not to be held back', async (t) => {
    const { start, respond, heard, refusals } = setStage({ holds401: false })
    start()
    t.equal(respond(401), true)
    t.strictSame(heard, ['start', 'status 401'])
    t.equal(refusals(), 1)
  })

  t.test('aborts its connection', async (t) => {
    const { attempt, start, aborts } = setStage()
    start()
    t.equal(attempt.abort('enough'), true)
    t.strictSame(aborts, ['enough'])
  })

  t.test('cannot be aborted in the hearing of its caller before it has a connection', async (t) => {
    t.equal(setStage().attempt.abort('enough'), false)
  })

  t.test('is not aborted once its caller has heard its end', async (t) => {
    const { attempt, start, end, aborts } = setStage()
    start()
    end()
    t.equal(attempt.abort('late'), true)
    t.strictSame(aborts, [])
  })
})

t.test('a 401 that is held back', async (t) => {
  t.test('is told in order when it is released', async (t) => {
    const { attempt, read, end, heard, resumes } = setHeld()
    read(1)
    read(2)
    end()
    t.strictSame(heard, ['start'])
    attempt.release()
    t.strictSame(heard, ['start', 'status 401', '1 bytes', '2 bytes', 'end', 'over'])
    t.equal(resumes(), 0, 'nothing follows')
  })

  t.test('is read up to 64 KiB', async (t) => {
    const { read } = setHeld()
    t.equal(read(64 * KIB), true)
    t.equal(read(1), false)
  })

  t.test('goes on after its release, and is over with its own end', async (t) => {
    const { attempt, read, end, heard, resumes } = setHeld()
    attempt.release()
    t.equal(resumes(), 1)
    t.equal(read(1), true)
    t.strictSame(heard, ['start', 'status 401', '1 bytes'])
    end()
    t.strictSame(heard.slice(3), ['end', 'over'])
  })

  t.test('waits after its release if its caller wants no more for now', async (t) => {
    const { attempt, start, respond, resumes } = setStage()
    start()
    respond(401, false)
    attempt.release()
    t.equal(resumes(), 0)
  })

  t.test('asks the caller after the last thing that was told', async (t) => {
    const { attempt, start, respond, read, resumes } = setStage()
    start()
    respond(401, false)
    read(1, true)
    attempt.release()
    t.equal(resumes(), 1)
  })

  t.test('says no more once its caller aborts it while it is told', async (t) => {
    const { attempt, start, heard, aborts, tell, resumes } = setStage()
    start()
    attempt.respond(401, nothing, () => {
      heard.push('status 401')
      return attempt.abort('enough')
    })
    attempt.read(1, tell('1 bytes'))
    attempt.release()
    t.strictSame(heard, ['start', 'status 401'])
    t.strictSame(aborts, ['enough'])
    t.equal(resumes(), 0)
  })

  t.test('cannot be aborted in the hearing of its caller', async (t) => {
    const { attempt, aborts } = setHeld()
    t.equal(attempt.abort('enough'), false)
    t.strictSame(aborts, [])
  })

  t.test('cannot be aborted so if it is told after its connection is gone', async (t) => {
    const { attempt, start, end, aborts } = setStage()
    const could: boolean[] = []
    start()
    attempt.respond(401, nothing, () => could.push(attempt.abort('enough')))
    end()
    attempt.release()
    t.strictSame(could, [false])
    t.strictSame(aborts, [])
  })
})

t.test('an attempt that is dropped', async (t) => {
  const setDropped = (t: Test) => {
    const clock = install({ toFake: ['setTimeout', 'clearTimeout'] })
    t.teardown(() => clock.uninstall())
    const stage = setHeld()
    stage.read(1)
    stage.attempt.drop()
    return { ...stage, clock }
  }

  t.test('tells its caller nothing, and is read to its end for a second', async (t) => {
    const { attempt, read, end, heard, aborts, resumes, clock } = setDropped(t)
    t.equal(resumes(), 1)
    t.equal(read(63 * KIB, false), true)
    clock.tick(999)
    t.strictSame(aborts, [])
    end()
    attempt.release()
    t.strictSame(heard, ['start', 'over'])
    clock.tick(1)
    t.strictSame(aborts, [])
  })

  t.test('is aborted if its end has not come within a second', async (t) => {
    const { aborts, clock } = setDropped(t)
    clock.tick(1_000)
    t.strictSame(aborts, [undefined])
  })

  t.test('is aborted after 64 KiB of what is left of its body', async (t) => {
    const { read, aborts } = setDropped(t)
    t.equal(read(64 * KIB), true, 'beside what was read before')
    t.strictSame(aborts, [])
    t.equal(read(1), true)
    t.strictSame(aborts, [undefined])
  })

  t.test('is not over with its end: another attempt has taken its place', async (t) => {
    const { end, heard } = setDropped(t)
    end()
    t.strictSame(heard, ['start'])
  })

  t.test('waits for nothing if it has ended already', async (t) => {
    const clock = install({ toFake: ['setTimeout', 'clearTimeout'] })
    t.teardown(() => clock.uninstall())
    const { attempt, end, resumes } = setHeld()
    end()
    attempt.drop()
    t.equal(clock.countTimers(), 0)
    t.equal(resumes(), 0)
  })
})

t.test('an attempt that is cancelled', async (t) => {
  t.test('aborts its connection, and says nothing more', async (t) => {
    const { attempt, start, respond, read, end, heard, aborts, refusals } = setStage()
    start()
    attempt.cancel('closed')
    t.strictSame(aborts, ['closed'])
    t.equal(respond(401, false), true)
    t.equal(read(1, false), true)
    t.equal(read(65 * KIB), true, 'or its connection would wait for ever')
    end()
    t.strictSame(heard, ['start'])
    t.equal(refusals(), 0, 'its 401 costs no token')
  })

  t.test('aborts a connection that it gets later', async (t) => {
    for (const reason of ['closed', undefined]) {
      const { attempt, start, heard, aborts } = setStage()
      attempt.cancel(reason)
      start()
      t.strictSame(aborts, [reason])
      t.strictSame(heard, [])
    }
  })
})
