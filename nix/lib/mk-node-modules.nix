/**
  A node_modules as `npm ci` makes it, as a derivation of its own: it depends on the generated file
  (and the lock, where that is given), never on the project's source.

  `$out` looks as a project does after npm: `$out/node_modules`, and for a workspace
  `$out/packages/a/node_modules` besides. A link that leads to nothing fails the build: what local
  dependencies and workspaces consist of comes from `src` or `localDependencies`.

  # Type

  ```
  mkNodeModules :: { packages, lock ? null, … } -> derivation
  ```

  # Example

  ```nix
  npm.mkNodeModules {
    packages = ./node-packages.nix;
    lock = ./package-lock.json;
    omit = [ "dev" ];
  }
  ```
*/
{
  stdenv,
  python3,
  nodejs,
  plan,
  # What the first lines of patched commands may name besides Node.js.
  hostInputs ? [ nodejs ],
}:
{
  # The path of a `node-packages.nix`, or what it evaluates to.
  packages ? null,
  # The lock it is from. With it, npm's own `.package-lock.json` is written, and what only a
  # left-out optional package needs is left out, too.
  lock ? null,
  # The project's package.json: a lock of version 1 does not say what the project depends on.
  packageJson ? null,
  # The project's source, for what its links lead to. It is an input of the tree then.
  src ? null,
  # The workspace, or the workspaces, to install for: by directory or by name.
  workspace ? null,
  # Groups to leave out: "dev", "optional", "peer". [ "dev" ] gives the production tree. Where not
  # given, it is what the project's .npmrc says.
  omit ? null,
  # npm's settings for the tree, before those of the project's .npmrc: "legacy-peer-deps",
  # "bin-links", "engine-strict", each true or false.
  settings ? { },
  # Packages whose install scripts may run (see names.nix), those too that only building a git
  # dependency needs: a list, or as in package.json, package -> bool. Where not given, it is what
  # the project's package.json says.
  allowScripts ? null,
  # Package -> { nativeBuildInputs, buildInputs, env, flags }, for its install scripts.
  installScripts ? { },
  # Package -> another tarball, or package -> { src } | { directory }.
  overrides ? { },
  # See package-patches.nix.
  patches ? { },
  # Directory of a local dependency -> a derivation or a path with its files.
  localDependencies ? { },
  # { os, cpu, libc } in npm's words. Where not given: this machine's, with what the project's
  # .npmrc says of them for optional packages.
  platform ? null,
  # The npm whose tree this is; that of `nodejs` where not given.
  npmVersion ? null,
  # Where node-gyp finds the headers of Node.js, `include/node`.
  nodedir ? nodejs.dev or nodejs,
  # For all install scripts, and for what builds git dependencies.
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  # Variables and flags (`--build-from-source`) for all install scripts.
  env ? { },
  npmRebuildFlags ? [ ],
  # Whether commands name Node.js itself in their first line, and not /usr/bin/env: they run
  # anywhere then, and are no longer npm's to the last byte.
  fixCommands ? false,
  # Whether links may lead to nothing: for who lays the tree into a project.
  allowDanglingLinks ? false,
  name ? null,
  passthru ? { },
}:
let
  made = plan {
    inherit
      packages
      lock
      packageJson
      src
      workspace
      omit
      settings
      allowScripts
      installScripts
      overrides
      patches
      localDependencies
      platform
      npmVersion
      nodedir
      nativeBuildInputs
      buildInputs
      env
      ;
    flags = npmRebuildFlags;
  };
in
stdenv.mkDerivation {
  name = if name != null then name else made.storeName;

  manifest = made.text;
  passAsFile = [ "manifest" ];
  strictDeps = true;
  nativeBuildInputs = [ python3 ];
  buildInputs = if fixCommands then hostInputs else [ ];

  buildCommand = ''
    export PYTHONPATH=${import ./assembler.nix} PYTHONDONTWRITEBYTECODE=1
    umask 022
    python3 -m npm2nixlite.project tree "$manifestPath" "$out"
  ''
  + (if allowDanglingLinks then "" else ''python3 -m npm2nixlite.project check "$out"
  '')
  + (if fixCommands then ''patchShebangs --host "$out"'' else "");

  passthru = {
    inherit (made) generated manifest;
    plan = made;
  }
  // passthru;
}
