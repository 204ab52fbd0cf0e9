# shellcheck shell=bash
# Write what tells nginx the tokens of those who may push, from the service's credentials.
set -euo pipefail
shopt -s nullglob

: "${RUNTIME_DIRECTORY:?}" "${CREDENTIALS_DIRECTORY:?}"

{
  # The variables are nginx's.
  # shellcheck disable=SC2016
  printf '%s\n' 'map $http_authorization $npm2nixlite_cache_token {' '  default 0;'
  for file in "$CREDENTIALS_DIRECTORY"/token-*; do
    token=$(<"$file")
    case $token in
    '' | *[!A-Za-z0-9._~+/=-]*)
      echo "${file##*/}: this is no bearer token: letters, digits and ._~+/=- make one" >&2
      exit 1
      ;;
    esac
    printf '  "Bearer %s" 1;\n' "$token"
  done
  printf '}\n'
} >"$RUNTIME_DIRECTORY/tokens.new"
mv "$RUNTIME_DIRECTORY/tokens.new" "$RUNTIME_DIRECTORY/tokens.conf"
