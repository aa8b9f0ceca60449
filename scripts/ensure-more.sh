#!/bin/sh
# Installs what the tests named *.more.test.ts need besides Redis.
set -eu

sh "$(dirname "$0")/ensure-redis.sh"

missing=''

# Notes a Debian package if none of its files is there. The tests look in the same places.
need() {
  package=$1
  shift
  for file in "$@"; do
    if [ -e "$file" ]; then return; fi
  done
  missing="$missing $package"
}

need postgresql /usr/lib/postgresql/*/bin/initdb
need nginx /usr/sbin/nginx
need firefox-esr /usr/bin/firefox-esr
need webkit2gtk-driver /usr/bin/WebKitWebDriver
need xvfb /usr/bin/xvfb-run
need prometheus /usr/bin/prometheus

if [ -z "$missing" ]; then
  exit 0
fi

exec sh "$(dirname "$0")/apt-install.sh" "$missing" \
  "The tests need more programs: install them (on Debian: apt-get install$missing)."
