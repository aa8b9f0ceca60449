#!/bin/sh
# Installs what the tests named *.more.test.ts need besides Redis, if it runs as root (in a container) or in CI.
set -eu

sh "$(dirname "$0")/ensure-redis.sh"

# test/support/postgres-server.ts looks in the same place.
if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  exit 0
fi

if [ "$(id -u)" -eq 0 ]; then as_root=''; elif [ -n "${CI:-}" ]; then as_root='sudo -n'; else as_root='false'; fi

if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq postgresql </dev/null; } >&2; then
  echo 'The tests need PostgreSQL: install it (on Debian: apt-get install postgresql).' >&2
  exit 1
fi
