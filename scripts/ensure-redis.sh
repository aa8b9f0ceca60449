#!/bin/sh
# Installs Redis, through which the tests share a token.
set -eu

if command -v redis-server >/dev/null; then
  exit 0
fi

exec sh "$(dirname "$0")/apt-install.sh" redis-server \
  'The tests need Redis: install it (on Debian: apt-get install redis-server).'
