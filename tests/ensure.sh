#!/bin/sh
# Makes sure that the programs are there that some tests need: sh ensure.sh postgresql nginx caddy java spark
# chromium, or some of them. Installs Debian's where it may; elsewhere says so aloud. In CI, where CI is set, a missing one is a failure.
set -eu
here=$(dirname "$0")
python=$here/../.venv/bin/python
spark=$here/../.venv/spark

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

found_java() {
    [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ] && return 0
    on_path java
}

found_spark() {
    [ -n "${SPARK_HOME:-}" ] && [ -d "$SPARK_HOME/jars" ] && return 0
    [ -d "$spark/jars" ]
}

# The server, which comes with the full package of pyspark: 456 MB, of which nothing but the server is kept.
download_spark() {
    folder=$(mktemp -d)
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
        -r "$here/spark/server.txt" -d "$folder" &&
        mkdir -p "$folder/unpacked" "$spark" &&
        tar xzf "$folder"/pyspark-*.tar.gz -C "$folder/unpacked" --strip-components=1 &&
        chmod +x "$folder"/unpacked/deps/bin/* &&
        mv "$folder"/unpacked/deps/bin "$folder"/unpacked/deps/jars "$spark"/
    rm -rf "$folder"
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
        java | spark) echo "cubes and rows of Spark are not tested. Or name its folder in SPARK_HOME, Java's in JAVA_HOME" ;;
        chromium) echo "the browser tests cannot run. Or name a Chromium or Chrome in CHROMIUM" ;;
    esac
}

advice() {
    case "$1" in
        java) echo "Debian: sudo apt-get install default-jre-headless        macOS: brew install openjdk" ;;
        spark) echo "It comes with the package pyspark: see tests/spark/server.txt" ;;
        *) echo "Debian: sudo apt-get install $1        macOS: brew install $1" ;;
    esac
}

install() {
    apt-get install -qq --yes --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq --yes --no-install-recommends "$@"; } >/dev/null
}

missing=
for what in "$@"; do
    "found_$what" && continue
    if [ "$what" = spark ]; then
        echo "Downloading Spark for the tests, once ..."
        download_spark || true
        "found_$what" && continue
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing $what for the tests ..."
        export DEBIAN_FRONTEND=noninteractive
        packages=$what
        [ "$what" = chromium ] && packages="chromium fonts-dejavu-core"
        [ "$what" = java ] && packages=default-jre-headless
        # shellcheck disable=SC2086
        install $packages || true
        "found_$what" && continue
    fi
    missing="$missing $what"
    cat >&2 <<EOM

  ##################################################################################
  #  NO $what: $(untested "$what").
  #  $(advice "$what")
  ##################################################################################

EOM
done
[ -z "$missing" ] || [ -z "${CI:-}" ]
