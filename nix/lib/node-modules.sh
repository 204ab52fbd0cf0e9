# shellcheck shell=bash
# Putting an assembled tree into a project, and a built project into its output.

# copyModules TREE PROJECT: a tree of the project's own, which can be written to.
copyModules() {
  rm -rf "$2/node_modules"
  cp -R --reflink=auto --no-preserve=ownership "$1/." "$2"
  chmod -R u+w "$2"
  # a sandbox has no /usr/bin/env, which the first lines of npm's commands name
  if declare -F patchShebangs > /dev/null; then patchShebangs "$2/node_modules"; fi
}

# linkModules TREE PROJECT: the tree as it is, read-only.
linkModules() {
  local found
  while IFS= read -r -d '' found; do
    found=${found#"$1/"}
    rm -rf "${2:?}/$found"
    mkdir -p "$(dirname "$2/$found")"
    ln -s "$1/$found" "$2/$found"
  done < <(find "$1" -name node_modules -prune -print0)
}

# installPackage TREE: what `npm pack` would publish, its commands, and the tree it runs with.
installPackage() {
  local name target
  name=$(node --print 'require("./package.json").name')
  # shellcheck disable=SC2154 # Nix sets it
  target=$out/lib/node_modules/$name
  mkdir -p "$target"
  npm pack --dry-run --json --ignore-scripts --loglevel=error > "$TMPDIR/packed.json"
  node --print '
    const [packed] = Object.values(JSON.parse(require("fs").readFileSync(process.argv[1])));
    packed.files.map(({ path }) => path + "\0").join("")
  ' "$TMPDIR/packed.json" | sed -z 's/^\n//' | while IFS= read -r -d '' file; do
    case $file in
      node_modules/*) continue ;;
    esac
    mkdir -p "$target/$(dirname "$file")"
    cp -P "$file" "$target/$file"
  done
  linkModules "$1" "$target"
  node --print '
    const { name, bin = {} } = require("./package.json");
    const commands = typeof bin === "string" ? { [name.split("/").pop()]: bin } : bin;
    Object.entries(commands).map(([command, file]) => command + "\0" + file + "\0").join("")
  ' | sed -z 's/^\n//' | while IFS= read -r -d '' command && IFS= read -r -d '' file; do
    mkdir -p "$out/bin"
    chmod +x "$target/$file"
    ln -s "$target/$file" "$out/bin/$command"
  done
}
