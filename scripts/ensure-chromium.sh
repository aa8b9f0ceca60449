#!/bin/sh
# The tests place calls from a real browser. Where they may, in a container or in CI, they install it.
set -eu

# Where test/support/chromium.ts looks for it.
if [ -n "${CHROMIUM_PATH:-}" ] || [ -x /usr/bin/chromium ] || [ -x /usr/bin/google-chrome ]; then
  exit 0
fi

if [ "$(id -u)" -eq 0 ]; then as_root=''; elif [ -n "${CI:-}" ]; then as_root='sudo -n'; else as_root='false'; fi

if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium </dev/null; } >&2; then
  echo 'The tests need Chromium: install it (on Debian: apt-get install chromium), or set CHROMIUM_PATH.' >&2
  exit 1
fi
