/// <reference lib="dom" />
import { BandwidthUA } from './sdk/bw_webrtc_sdk.js'

/**
 * @typedef {import('@bandwidth-token/browser').BandwidthSession} Session
 * @typedef {import('@bandwidth-token/browser').TokenSourceError} TokenSourceError
 * @typedef {'none' | 'calling' | 'ringing' | 'connected' | 'failed'} CallState
 */

/** Why a call was not answered, and what the user can do. @type {Record<number, string>} */
const REFUSALS = {
  401: 'The gateway refused the token. Call again in half a minute.',
  403: 'This account may not call that number.',
  404: 'There is no such number.',
  408: 'Nobody answers.',
  480: 'Nobody answers.',
  484: 'The number is not complete.',
  486: 'The line is busy.',
  600: 'The line is busy.',
  603: 'The call was declined.',
  604: 'There is no such number.'
}

/** Other reasons why a call ended, by the SDK's names for them. @type {Record<string, string>} */
const FAILURES = {
  // The SDK also says this without a connection. A user who hangs up does not get here.
  Canceled: 'The gateway cannot be reached. Try again in a moment.',
  'Connection Error': 'The gateway cannot be reached. Try again in a moment.',
  'User Denied Media Access': 'There is no microphone. Allow it for this page, then call again.'
}

/**
 * Places one call at a time and reports its state.
 *
 * @param {import('@bandwidth-token/browser').TokenSource} source
 * @param {{ addresses: string[], domain: string, iceServers: string[], caller: string }} gateway
 * @param {(state: CallState, text: string) => void} tell
 */
export function createPhone(source, gateway, tell) {
  const loudspeaker = new Audio()
  loudspeaker.autoplay = true
  const ua = new BandwidthUA()
  /** The call that the user wants. It has a session once there is a token. @type {{ session?: Session } | undefined} */
  let call

  const agent = source.attach(ua, {
    outgoingCallProgress: (session, { status_code }) => {
      if (session === call?.session && status_code !== 100) tell('ringing', 'Ringing …')
    },
    callConfirmed: (session) => {
      if (session === call?.session) tell('connected', 'Connected')
    },
    callShowStreams: (_session, _local, remote) => {
      loudspeaker.srcObject = remote
    },
    callTerminated: (session, message, cause) => {
      const status = message?.status_code ?? 0
      const failure = REFUSALS[status] ?? FAILURES[cause] ?? `The call failed: ${cause}.`
      if (session === call?.session) end(session, failure)
    }
  })

  ua.setServerConfig(gateway.addresses, gateway.domain, gateway.iceServers)
  // With a password, the SDK would answer a refusal with Digest instead of the token.
  ua.setAccount(gateway.caller, '', '')

  source.subscribe((event) => {
    // Only a user who is signed in needs the gateway.
    if (event.type !== 'signed-out') ua.init()
    if (event.type === 'refused' && event.session === call?.session && event.replacedBy) {
      call.session = event.replacedBy
      tell('calling', 'Calling again, with a new token …')
    }
  })

  /** @param {Session | undefined} session @param {string} [failure] */
  function end(session, failure) {
    call = undefined
    if (session?.wasAccepted()) tell('none', `The call has ended after ${clock(session.duration())}.`)
    else if (failure === undefined) tell('none', 'Cancelled.')
    else tell('failed', failure)
  }

  return {
    get isBusy() {
      return call !== undefined
    },

    /** @param {string} number */
    async dial(number) {
      /** @type {typeof call} */
      const own = {}
      call = own
      tell('calling', `Calling ${number} …`)
      try {
        const session = await agent.call(number)
        // The user hung up while the page waited for the token.
        if (call !== own) return session.terminate()
        own.session = session
      } catch (error) {
        if (call === own) end(undefined, reason(/** @type {TokenSourceError} */ (error)))
      }
    },

    hangUp() {
      const session = call?.session
      if (call) end(session)
      session?.terminate()
    },

    /** How long the call has been connected. */
    get time() {
      return call?.session?.wasAccepted() ? clock(call.session.duration()) : ''
    },

    /** @param {boolean} isMuted */
    mute: (isMuted) => call?.session?.muteAudio(isMuted),

    /** Sends a tone. Returns whether it could be sent. @param {string} tone one of the digits, `*` and `#` */
    sendTone(tone) {
      try {
        call?.session?.sendDTMF(tone)
        return true
      } catch {
        // For a moment, a confirmed call has no media yet.
        return false
      }
    }
  }
}

/** @param {TokenSourceError} error */
function reason({ code, message }) {
  // The page then shows the sign-in form, and why.
  if (code === 'ERR_BANDWIDTH_TOKEN_FORBIDDEN') return ''
  if (code?.startsWith('ERR_BANDWIDTH_TOKEN_')) return 'Not called: the server has no token at the moment.'
  return `The call failed: ${message}.`
}

/** Minutes and seconds. @param {number} seconds */
function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
