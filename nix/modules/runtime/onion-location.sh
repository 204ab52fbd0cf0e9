# shellcheck shell=bash
# Writes the header that names the pages' onion service, once Tor made its address.
#
#   onion-location.sh HOSTNAME-FILE OUTPUT
set -eu -o pipefail

until [ -s "$1" ]; do sleep 1; done
address=$(<"$1")
case $address in
  *[!a-z0-9.]* | '')
    echo "$1 does not hold an onion address" >&2
    exit 1
    ;;
esac
# nginx's own variable, not the shell's.
# shellcheck disable=SC2016
printf 'add_header Onion-Location http://%s$request_uri always;\n' "$address" >"$2.new"
chmod 0644 "$2.new"
mv "$2.new" "$2"
