import { between } from './random.js'

const REFUSED_MS = 1

/**
 * A store in memory at the other end of a network. `condition` says what it is like just now: `rttMs` from the sending
 * of a command to its answer, `[least, most]`; `down`: every connection is refused; `hung`: commands arrive, and are
 * carried out once it goes on; `perSecond`: how many commands it can carry out, one after the other.
 */
export class Store {
  commands = 0
  /** Commands in each second. */
  perSecond
  condition
  #timeline
  #entries = new Map()
  #locks = new Map()
  #busyUntilMs = 0
  /** What has arrived while it was hung. */
  #arrived = []

  constructor(timeline, { durationMs, condition }) {
    this.#timeline = timeline
    this.condition = condition
    this.perSecond = new Uint32Array(Math.ceil(durationMs / 1000) + 1)
  }

  become(condition) {
    this.condition = condition
    if (condition.hung) return
    for (const carryOut of this.#arrived.splice(0)) carryOut()
  }

  /** All that it holds is gone: by a restart or by eviction. */
  clear() {
    this.#entries.clear()
    this.#locks.clear()
  }

  /** The store as one member's `TokenStore`, over one connection: commands do not overtake each other. */
  connect(member) {
    const connection = { member, lastMs: 0 }
    return {
      get: (key) => this.#send(connection, () => this.#get(key)),
      set: (key, entry, ttlMs, owner) => this.#send(connection, () => this.#set(key, entry, ttlMs, owner)),
      delete: (key, entry) => this.#send(connection, () => this.#remove(this.#entries, key, entry)),
      lock: (key, owner, ttlMs) => this.#send(connection, () => this.#lock(key, owner, ttlMs)),
      unlock: (key, owner) => this.#send(connection, () => this.#remove(this.#locks, key, owner))
    }
  }

  #send(connection, carryOut) {
    const timeline = this.#timeline
    const { condition } = this
    this.commands++
    this.perSecond[Math.floor(timeline.nowMs / 1000)]++
    return new Promise((resolve, reject) => {
      if (condition.down) {
        timeline.at(timeline.nowMs + REFUSED_MS, () => reject(new Error('refused')), connection.member)
        return
      }
      const halfMs = between(...condition.rttMs) / 2
      connection.lastMs = Math.max(connection.lastMs, timeline.nowMs + halfMs)
      const arrive = () => {
        if (this.condition.hung) {
          this.#arrived.push(arrive)
          return
        }
        const answer = carryOut()
        timeline.at(this.#doneMs() + halfMs, () => resolve(answer), connection.member)
      }
      timeline.at(connection.lastMs, arrive)
    })
  }

  /** When a command is carried out that arrives now. */
  #doneMs() {
    const { perSecond = Number.POSITIVE_INFINITY } = this.condition
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#timeline.nowMs) + 1000 / perSecond
    return this.#busyUntilMs
  }

  #alive(values, key) {
    const value = values.get(key)
    return value !== undefined && value.untilMs > this.#timeline.nowMs ? value : undefined
  }

  #get(key) {
    const value = this.#alive(this.#entries, key)
    return value && { entry: value.text, ttlMs: Math.ceil(value.untilMs - this.#timeline.nowMs) }
  }

  #set(key, entry, ttlMs, owner) {
    if (owner !== undefined && this.#alive(this.#locks, key)?.text !== owner) return false
    this.#entries.set(key, { text: entry, untilMs: this.#timeline.nowMs + ttlMs })
    return true
  }

  #lock(key, owner, ttlMs) {
    if ((this.#alive(this.#locks, key)?.text ?? owner) !== owner) return false
    this.#locks.set(key, { text: owner, untilMs: this.#timeline.nowMs + ttlMs })
    return true
  }

  #remove(values, key, text) {
    if (this.#alive(values, key)?.text === text) values.delete(key)
  }
}
