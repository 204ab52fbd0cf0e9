# shellcheck shell=bash
# shellcheck disable=SC2154 # variables are the derivation's attributes
# What nixpkgs' hook of this name does with `npm ci`: afterwards there is a tree, and npm is offline.

npmConfigHook() {
  echo "Executing npmConfigHook"
  if [ -n "${npmRoot-}" ]; then pushd "$npmRoot" > /dev/null || exit 1; fi
  if [ -z "${npmDeps-}" ]; then
    echo "npm2nixlite: there is no npmDeps" >&2
    echo "  Write npmDeps = npm.npmDeps { packages = ./node-packages.nix; lock = ./package-lock.json; };" >&2
    exit 1
  fi
  npm2nixlite agree "$npmDeps" .
  npmPlan=$npmDeps configureProject
  if [ -n "${npmRoot-}" ]; then popd > /dev/null || exit 1; fi
  echo "Finished npmConfigHook"
}

postConfigureHooks+=(npmConfigHook)
