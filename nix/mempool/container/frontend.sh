# shellcheck shell=sh
# Builds mempool's web pages with network access, for `npm2nixlite container-build`, in a copy of
# its repository.
#
# ASSETS: the script that the canonical build runs, too.
set -eu
cd frontend
npm ci
# shellcheck source=nix/mempool/assets.sh
. "$ASSETS"
npm run build
