#!/bin/sh
# The tests share a token through a real Redis.
set -eu

if command -v redis-server >/dev/null; then
  exit 0
fi

exec sh "$(dirname "$0")/apt-install.sh" redis-server \
  'The tests need Redis: install it (on Debian: apt-get install redis-server).'
