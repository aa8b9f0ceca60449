#!/bin/sh
# Installs Chromium, from which the tests place calls.
set -eu

# test/support/chromium.ts looks in the same place.
if [ -n "${CHROMIUM_PATH:-}" ] || [ -x /usr/bin/chromium ] || [ -x /usr/bin/google-chrome ]; then
  exit 0
fi

exec sh "$(dirname "$0")/apt-install.sh" chromium \
  'The tests need Chromium: install it (on Debian: apt-get install chromium), or set CHROMIUM_PATH.'
