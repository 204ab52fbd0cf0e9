# shellcheck shell=sh
# Builds mempool's backend with network access, for `npm2nixlite container-build`, in a copy of its
# repository: since 3.0.0 the backend's own preinstall builds rust/gbt beside it.
set -eu
cd backend
npm ci
npm run build
# For releases that know no MEMPOOL_CONFIG_FILE: the service's config is bound over it.
echo '{}' >mempool-config.json
