# shellcheck shell=bash
# nixpkgs' stdenv, as far as the library's tests go: its phases and hooks, its two search paths, and
# its fixup. Own code, after what nixpkgs' setup.sh and setup hooks do.
set -e -o pipefail
shopt -s nullglob inherit_errexit
umask 022
export PATH="" HOST_PATH=""
prefix=${out-}
NIX_STORE=${NIX_STORE:-${prefix%/*}}
# Debian's cc is a link through /etc, which the sandbox does not have
export CC=gcc CXX=g++

# Of an input: its commands, and its setup hook. What is for the build is searched under PATH, what
# is for the result under HOST_PATH; without strictDeps, a native build searches both under PATH.
addInput() {
  local input=$1 purpose=$2
  if [ -d "$input/bin" ]; then
    if [ "$purpose" = build ] || [ -z "${strictDeps-}" ]; then buildPath+=":$input/bin"; fi
    if [ "$purpose" = host ]; then hostPath+=":$input/bin"; fi
  fi
  # shellcheck source=/dev/null # whatever the input has
  if [ -f "$input/nix-support/setup-hook" ]; then . "$input/nix-support/setup-hook"; fi
}

addInputs() {
  local buildPath="" hostPath="" input
  PATH=${initialPath:?}/bin
  # shellcheck disable=SC2154 # the derivation's
  for input in $nativeBuildInputs; do addInput "$input" build; done
  # shellcheck disable=SC2154 # the derivation's
  for input in $buildInputs; do addInput "$input" host; done
  PATH=${buildPath#:}${buildPath:+:}$initialPath/bin
  if [ -z "${strictDeps-}" ]; then hostPath+=":$initialPath/bin"; fi
  HOST_PATH=${hostPath#:}
}

# A hook is an array of functions and commands, and a function or a variable of its own name.
runHook() {
  local name=$1 hooks="${1%Hook}Hooks[@]" hook
  shift
  for hook in "_callImplicitHook $name" "${!hooks}"; do
    if declare -F "${hook%% *}" > /dev/null; then $hook "$@"; else eval "$hook"; fi
  done
}

_callImplicitHook() {
  if declare -F "$1" > /dev/null; then "$1"; else eval "${!1-}"; fi
}

# patchShebangs [--build | --host] PATH...: executable scripts name the interpreter that is found
# under PATH or HOST_PATH; what already names one in the store, or is found nowhere, stays.
patchShebangs() {
  local searched="" file line interpreter first rest found search
  while [ $# -gt 0 ]; do
    case $1 in
      --build) searched=PATH ;;
      --host) searched=HOST_PATH ;;
      --) shift && break ;;
      -*) echo "patchShebangs: unknown option $1" >&2 && return 1 ;;
      *) break ;;
    esac
    shift
  done
  echo "patching script interpreter paths in $*"
  while IFS= read -r -d '' file; do
    IFS= read -r -n 2 line < "$file" || true
    if [ "$line" != "#!" ]; then continue; fi
    IFS= read -r line < "$file" || true
    read -r interpreter first rest <<< "${line:2}"
    search=$searched
    if [ -z "$search" ]; then
      if [ -n "${strictDeps-}" ] && [[ $file == "$NIX_STORE"* ]]; then
        search=HOST_PATH
      else
        search=PATH
      fi
    fi
    if [[ $interpreter == "$NIX_STORE"* ]]; then continue; fi
    if [[ $interpreter == */bin/env ]]; then
      if [ "$first" = -S ]; then
        first=${rest%% *}
        if [[ $rest == *" "* ]]; then rest=${rest#* }; else rest=""; fi
        found=$(PATH=${!search} type -P env || true)
        rest="-S $(PATH=${!search} type -P "$first" || true) $rest"
      elif [[ $first == -* || $first == *=* ]]; then
        echo "$file: unsupported interpreter directive \"$line\"" >&2
        exit 1
      else
        found=$(PATH=${!search} type -P "$first" || true)
      fi
    else
      found=$(PATH=${!search} type -P "${interpreter##*/}" || true)
      rest="$first $rest"
    fi
    if [ -z "$found" ] || [ "$found" = "$interpreter" ]; then continue; fi
    line="#!$found $rest"
    line=${line%"${line##*[![:space:]]}"}
    echo "$file: interpreter directive changed to \"$line\""
    { printf '%s\n' "$line" && tail -n +2 "$file"; } > "$NIX_BUILD_TOP/.patched"
    if [ -w "$file" ]; then
      cat "$NIX_BUILD_TOP/.patched" > "$file"
    else
      chmod u+w "$file" && cat "$NIX_BUILD_TOP/.patched" > "$file" && chmod u-w "$file"
    fi
  done < <(find "$@" -type f -perm -0100 -print0)
}

unpackPhase() {
  runHook preUnpack
  if [ -z "${src-}" ]; then
    echo "variable src should point to the source" >&2
    exit 1
  fi
  local name=${src##*/}
  if [[ $name =~ ^[a-z0-9]{32}- ]]; then name=${name:33}; fi
  if [ -d "$src" ]; then
    cp -R --no-preserve=mode,ownership "$src" "$name"
    # as `cp -p` has it: what may run stays so
    (cd "$src" && find . -type f -perm -0100 -print0) |
      (cd "$name" && xargs -0 --no-run-if-empty chmod +x)
  else
    tar xf "$src"
    local found=(*/)
    name=${found[0]%/}
  fi
  sourceRoot=${sourceRoot:-$name}
  echo "source root is $sourceRoot"
  chmod -R u+w "$sourceRoot"
  cd "$sourceRoot"
  runHook postUnpack
}

patchPhase() {
  runHook prePatch
  local file
  for file in ${patches-}; do patch -p1 < "$file"; done
  runHook postPatch
}

configurePhase() {
  runHook preConfigure
  runHook postConfigure
}

buildPhase() {
  runHook preBuild
  runHook postBuild
}

checkPhase() {
  runHook preCheck
  runHook postCheck
}

installPhase() {
  runHook preInstall
  make install
  runHook postInstall
}

fixupPhase() {
  runHook preFixup
  if [ -z "${dontPatchShebangs-}" ] && [ -e "$prefix" ]; then patchShebangs --host "$prefix"; fi
  runHook postFixup
}

genericBuild() {
  if [ -n "${buildCommand-}" ]; then
    eval "$buildCommand"
    return
  fi
  local phase name skip
  for phase in unpackPhase patchPhase configurePhase buildPhase checkPhase installPhase fixupPhase; do
    case $phase in
      checkPhase) if [ -z "${doCheck-}" ]; then continue; fi ;;
      *)
        name=${phase%Phase}
        skip=dont${name^}
        if [ -n "${!skip-}" ]; then continue; fi
        ;;
    esac
    if [ -n "${!phase-}" ]; then eval "${!phase}"; else "$phase"; fi
  done
}

addInputs
