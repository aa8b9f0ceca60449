#!/bin/sh
# Installs what the tests named *.more.test.ts need besides Redis.
set -eu

sh "$(dirname "$0")/ensure-redis.sh"

# test/support/postgres-server.ts looks in the same place.
if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  exit 0
fi

exec sh "$(dirname "$0")/apt-install.sh" postgresql \
  'The tests need PostgreSQL: install it (on Debian: apt-get install postgresql).'
