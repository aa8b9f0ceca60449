import puppeteer, { type Browser } from 'puppeteer-core'
import type { Teardown } from './teardown.js'

// scripts/ensure-more.sh looks in the same place.
const FIREFOX = '/usr/bin/firefox-esr'

/** A real Firefox that ends with the test. It has a fake microphone that hums, and a fake user who allows it. */
export async function launchFirefox(t: Teardown): Promise<Browser> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      // Without these two, no call reaches a gateway on this machine: a page without a lasting permission does not learn
      // of all addresses.
      'media.peerconnection.ice.loopback': true,
      'permissions.default.microphone': 1
    }
  })
  t.teardown(() => browser.close())
  return browser
}
