#!/bin/sh
# Makes sure that PostgreSQL's server programs are there for the tests of the state store. Installs Debian's where
# it may; elsewhere says so aloud. In CI, where CI is set, their absence is a failure.
set -eu

found() {
    for folder in "${POSTGRESQL_BIN:-}" /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin; do
        [ -n "$folder" ] && [ -x "$folder/initdb" ] && return 0
    done
    command -v initdb >/dev/null 2>&1 && command -v postgres >/dev/null 2>&1
}

found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing postgresql for the tests of the state store ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq --yes --no-install-recommends postgresql >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq --yes --no-install-recommends postgresql; } >/dev/null
    found && exit 0
fi
cat >&2 <<'EOM'

  ###################################################################################
  #  NO POSTGRESQL: the state store is tested on SQLite alone.                      #
  #  Debian: sudo apt-get install postgresql     macOS: brew install postgresql     #
  #  Or name the folder of initdb and postgres in the variable POSTGRESQL_BIN.      #
  ###################################################################################

EOM
[ -z "${CI:-}" ]
