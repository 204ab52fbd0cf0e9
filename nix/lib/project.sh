# shellcheck shell=bash
# shellcheck disable=SC2154 # variables are the derivation's attributes
# The steps of a project's build. Sourced by each phase: nix-shell runs them one by one.

npm2nixlite() {
  PYTHONPATH=$npmAssembler PYTHONDONTWRITEBYTECODE=1 "$npmPython" -m npm2nixlite.project "$@"
}

# npmSettings: for npm, and for what a build calls.
npmSettings() {
  export HOME="$TMPDIR/home" npm_config_nodedir=$npmNodedir
  export npm_config_offline=true npm_config_update_notifier=false
  # Nix gives builds a terminal, and would keep every turn of a spinner in the log
  export npm_config_progress=false npm_config_audit=false npm_config_fund=false
  mkdir -p "$HOME"
}

# addFlags NAME: what the attribute NAME has, and the array NAMEArray, to the array `flags`.
addFlags() {
  local -n addedFlags=$1 addedArray=$1Array
  # with __structuredAttrs it is an array
  if [[ $(declare -p "$1" 2> /dev/null) == "declare -a"* ]]; then
    flags+=("${addedFlags[@]}")
  else
    # shellcheck disable=SC2206 # words are what it has
    flags+=(${addedFlags-})
  fi
  flags+=("${addedArray[@]}")
}

# eachNodeModules COMMAND...: runs a command for every tree of the project.
eachNodeModules() {
  local found
  while IFS= read -r -d '' found; do "$@" "$found"; done < <(
    find . -type d -name node_modules -prune -print0
  )
}

# configureProject: makes the tree, to be written to, or takes the one that is given.
configureProject() {
  npmSettings
  if [ -z "${nodeModules-}" ]; then
    npm2nixlite tree "$npmPlan" .
  elif [ -n "${linkNodeModules-}" ]; then
    npm2nixlite link "$nodeModules" .
  else
    rm -rf node_modules
    cp -R --reflink=auto --no-preserve=ownership "$nodeModules/." .
    chmod -R u+w .
  fi
  # a sandbox has no /usr/bin/env, which the first lines of npm's commands name
  eachNodeModules patchShebangs --build
  if [ -n "${npmLocalScripts-}" ]; then
    # shellcheck disable=SC2086 # each is a word
    npm2nixlite run . $npmLocalScripts
  fi
}

# buildProject: the build script of the project; or those of workspaces, and of what they need.
buildProject() {
  local directory directories flags=() build=()
  # shellcheck disable=SC2086 # each is a word
  directories=$(npm2nixlite scripts "$npmBuildScript" ${npmWorkspace-})
  addFlags npmBuildFlags
  build=("${flags[@]}")
  flags=()
  addFlags npmFlags
  for directory in $directories; do
    if [ "$directory" = . ]; then
      npm run "${flags[@]}" "$npmBuildScript" "${build[@]}"
    else
      npm run "${flags[@]}" --workspace="$directory" "$npmBuildScript" "${build[@]}"
    fi
  done
}

# installProject: files, workspaces, commands, and the tree that it runs with.
installProject() {
  # shellcheck disable=SC2086 # each is a word
  npm2nixlite install "$npmProductionPlan" "$out" "${productionModules-}" "$npmHostNode" \
    ${npmWorkspace-}
}
