# shellcheck shell=bash
# Keeps a copy of bitcoind's cookie that the backend can read, in RUNTIME_DIRECTORY.
#
#   cookie.sh once           copies it, if it is there
#   cookie.sh follow         goes on copying whenever it changes
#   cookie.sh until-change   ends when it changed: systemd restarts this unit then, and with it the
#                            backend, which reads the cookie at its start only
#
# COOKIE_FILE: bitcoind's. It is looked at every other second and not watched: a network's file
# systems tell of no changes, and none is missed.
set -eu -o pipefail

copy=$RUNTIME_DIRECTORY/cookie

# Copies; whether there was another copy before.
update() {
  local cookie kept=
  # bitcoind removes its cookie when it stops, and the directory may not be there yet.
  cookie=$(cat "$COOKIE_FILE" 2>/dev/null) || return 1
  [ -n "$cookie" ] || return 1
  if [ -e "$copy" ]; then kept=$(<"$copy"); fi
  [ "$kept" != "$cookie" ] || return 1
  # bitcoind's has no line break at its end, and the backend would send one.
  printf '%s' "$cookie" >"$copy.new"
  mv "$copy.new" "$copy"
  [ -n "$kept" ]
}

case $1 in
  once) update || : ;;
  follow) while :; do update || sleep 2; done ;;
  until-change) until update; do sleep 2; done ;;
esac
