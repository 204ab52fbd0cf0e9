# shellcheck shell=bash
# The phases of nixpkgs' stdenv, as far as the library's tests go.
set -eu -o pipefail
umask 022
export PATH=/usr/bin:/bin
# Debian's cc is a link through /etc, which the sandbox does not have
export CC=gcc CXX=g++

runHook() {
  if declare -F "$1" > /dev/null; then "$1"; else eval "${!1-}"; fi
}

unpackPhase() {
  runHook preUnpack
  cp -R "$src" source
  chmod -R u+w source
  cd "${sourceRoot:-source}"
  runHook postUnpack
}

patchPhase() {
  runHook prePatch
  for file in ${patches-}; do patch -p1 < "$file"; done
  runHook postPatch
}

if [ -n "${buildCommand-}" ]; then
  eval "$buildCommand"
  exit
fi
for phase in unpackPhase patchPhase configurePhase buildPhase checkPhase installPhase; do
  if [ "$phase" = checkPhase ] && [ -z "${doCheck-}" ]; then continue; fi
  if [ -n "${!phase-}" ]; then eval "${!phase}"; else "$phase"; fi
done
