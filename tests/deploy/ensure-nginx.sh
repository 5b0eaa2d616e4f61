#!/bin/sh
# Makes sure that nginx is there for the tests of the reverse proxy. Installs Debian's where it may; elsewhere says
# so aloud. In CI, where CI is set, a missing nginx is a failure.
set -eu

found() {
    command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ]
}

found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing nginx for the tests of the reverse proxy ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq --yes --no-install-recommends nginx >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq --yes --no-install-recommends nginx; } >/dev/null
    found && exit 0
fi
cat >&2 <<'EOM'

  ##################################################################################
  #  NO NGINX: the reverse proxy with TLS is not tested.                           #
  #  Debian: sudo apt-get install nginx           macOS: brew install nginx        #
  ##################################################################################

EOM
[ -z "${CI:-}" ]
