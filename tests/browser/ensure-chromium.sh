#!/bin/sh
# Makes sure that a Chromium or Chrome is there for the browser tests. Installs Debian's where it may;
# elsewhere says so aloud. In CI, where CI is set, a missing browser is a failure.
set -eu

found() {
    [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && return 0
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    for app in "Google Chrome" Chromium; do
        [ -x "/Applications/$app.app/Contents/MacOS/$app" ] && return 0
    done
    return 1
}

found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing chromium for the browser tests ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq --yes --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium fonts-dejavu-core; } >/dev/null
    found && exit 0
fi
cat >&2 <<'EOM'

  ##################################################################################
  #  NO BROWSER: the browser tests cannot run, and nothing below replaces them.    #
  #  Debian: sudo apt-get install chromium     macOS: brew install --cask chromium #
  #  Or name a Chromium or Chrome in the variable CHROMIUM.                        #
  ##################################################################################

EOM
[ -z "${CI:-}" ]
