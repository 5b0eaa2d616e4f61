#!/bin/sh
# Looks up known vulnerabilities of every locked package: sh audit.sh PYTHON LOCK. Exit code 0 if there are none,
# 1 if there are some, 2 if the list of them could not be reached, which is no all-clear.
set -u

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
"$1" -m pip_audit --strict --require-hashes --disable-pip --progress-spinner off -r "$2" 2>"$errors"
code=$?
cat "$errors" >&2
[ "$code" = 0 ] && exit 0
grep -q "known vulnerabilit" "$errors" && exit 1
cat >&2 <<'EOM'

  ##################################################################################
  #  NOT AUDITED: the list of known vulnerabilities could not be reached, so       #
  #  nothing is known about the locked packages. Run it again from a machine       #
  #  with access to the network, and before each release.                          #
  ##################################################################################

EOM
exit 2
