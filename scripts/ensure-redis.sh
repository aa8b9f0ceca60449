#!/bin/sh
# Installs Redis, through which the tests share a token, if it runs as root (in a container) or in CI.
set -eu

if command -v redis-server >/dev/null; then
  exit 0
fi

if [ "$(id -u)" -eq 0 ]; then as_root=''; elif [ -n "${CI:-}" ]; then as_root='sudo -n'; else as_root='false'; fi

if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq redis-server </dev/null; } >&2; then
  echo 'The tests need Redis: install it (on Debian: apt-get install redis-server).' >&2
  exit 1
fi
