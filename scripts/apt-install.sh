#!/bin/sh
# Installs Debian packages if it runs as root (in a container) or in CI. Otherwise prints how to install it.
#
#   sh scripts/apt-install.sh "<packages>" <how to install it yourself>
set -eu

if [ "$(id -u)" -eq 0 ]; then as_root=''; elif [ -n "${CI:-}" ]; then as_root='sudo -n'; else as_root='false'; fi

if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq $1 </dev/null; } >&2; then
  echo "$2" >&2
  exit 1
fi
