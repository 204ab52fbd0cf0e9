# shellcheck shell=bash
# Restarts a unit that no longer answers.
#
#   health.sh UNIT URL FAILURES
#
# Only one that answered since its start: a first start takes as long as it takes. FAILURES in a row
# are too many. RUNTIME_DIRECTORY holds what is known: the unit's invocation, and its failures.
set -eu -o pipefail

unit=$1 url=$2 limit=$3
state=$RUNTIME_DIRECTORY/state

systemctl is-active --quiet "$unit" || exit 0
invocation=$(systemctl show --property=InvocationID --value "$unit")

if curl --silent --globoff --fail --max-time 10 --output /dev/null "$url"; then
  echo "$invocation 0" >"$state"
  exit 0
fi

[ -e "$state" ] || exit 0
read -r known failures <"$state"
[ "$known" = "$invocation" ] || exit 0
failures=$((failures + 1))
if [ "$failures" -lt "$limit" ]; then
  echo "$invocation $failures" >"$state"
  exit 0
fi
rm "$state"
echo "$unit did not answer at $url, $failures times in a row: it is restarted"
systemctl restart --no-block "$unit"
