#!/bin/sh
# Makes sure that the programs are there that some tests need: sh ensure.sh postgresql nginx caddy chromium, or some of
# them. Installs Debian's where it may; elsewhere says so aloud. In CI, where CI is set, a missing one is a failure.
set -eu

on_path() {
    for name in "$@"; do
        command -v "$name" >/dev/null 2>&1 || [ -x "/usr/sbin/$name" ] && return 0
    done
    return 1
}

found_postgresql() {
    for folder in "${POSTGRESQL_BIN:-}" /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin; do
        [ -n "$folder" ] && [ -x "$folder/initdb" ] && return 0
    done
    on_path initdb && on_path postgres
}

found_nginx() {
    on_path nginx
}

found_caddy() {
    on_path caddy
}

found_chromium() {
    [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && return 0
    for app in "Google Chrome" Chromium; do
        [ -x "/Applications/$app.app/Contents/MacOS/$app" ] && return 0
    done
    on_path chromium chromium-browser google-chrome google-chrome-stable
}

untested() {
    case "$1" in
        postgresql) echo "the state store is tested on SQLite alone. Or name the folder of initdb in POSTGRESQL_BIN" ;;
        nginx) echo "the reverse proxy with TLS is not tested" ;;
        caddy) echo "the Caddyfile is not tested" ;;
        chromium) echo "the browser tests cannot run. Or name a Chromium or Chrome in CHROMIUM" ;;
    esac
}

install() {
    apt-get install -qq --yes --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq --yes --no-install-recommends "$@"; } >/dev/null
}

missing=
for what in "$@"; do
    "found_$what" && continue
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing $what for the tests ..."
        export DEBIAN_FRONTEND=noninteractive
        packages=$what
        [ "$what" = chromium ] && packages="chromium fonts-dejavu-core"
        # shellcheck disable=SC2086
        install $packages || true
        "found_$what" && continue
    fi
    missing="$missing $what"
    cat >&2 <<EOM

  ##################################################################################
  #  NO $what: $(untested "$what").
  #  Debian: sudo apt-get install $what        macOS: brew install $what
  ##################################################################################

EOM
done
[ -z "$missing" ] || [ -z "${CI:-}" ]
