import FakeTimers from '@sinonjs/fake-timers'

/** Virtual time for everything in this process but its sockets. Make it before what is measured is imported. */
export class VirtualTime {
  #clock = FakeTimers.install({
    now: Date.now(),
    toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance']
  })

  async pass(ms, server) {
    this.#clock.tick(ms)
    await this.settle(server)
  }

  /** Waits, in real time, until no request is in flight. */
  async settle(server) {
    for (let quiet = 0; quiet < 4; quiet = server.inFlight === 0 ? quiet + 1 : 0) await turn()
  }

  end() {
    this.#clock.uninstall()
  }
}

/** Lets all promises settle that wait for no input. */
export async function settlePromises() {
  for (let depth = 0; depth < 100; depth++) await undefined
}

function turn() {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
