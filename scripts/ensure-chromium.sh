#!/bin/sh
# The tests place calls from a real browser.
set -eu

# Where test/support/chromium.ts looks for it.
if [ -n "${CHROMIUM_PATH:-}" ] || [ -x /usr/bin/chromium ] || [ -x /usr/bin/google-chrome ]; then
  exit 0
fi

exec sh "$(dirname "$0")/apt-install.sh" chromium \
  'The tests need Chromium: install it (on Debian: apt-get install chromium), or set CHROMIUM_PATH.'
