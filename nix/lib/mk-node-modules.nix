# A node_modules as `npm ci` makes it, as a derivation of its own: it depends on the generated file
# (and the lock, where that is given), never on the project's source.
#
# `$out` looks as a project does after npm: `$out/node_modules`, and for a workspace
# `$out/packages/a/node_modules` besides.
{
  stdenv,
  python3,
  nodejs,
  fetchurl ? null,
  fetchgit ? null,
  registry ? null,
}:
{
  # The path of a `node-packages.nix`, or what it evaluates to.
  packages,
  # The lock it is from. With it, npm's own `.package-lock.json` is written, and what only a
  # left-out optional package needs is left out, too.
  lock ? null,
  # The project's package.json: a lock of version 1 does not say what the project depends on.
  packageJson ? null,
  # Groups to leave out: "dev", "optional", "peer". [ "dev" ] gives the production tree.
  omit ? [ ],
  # Packages (names or install paths) whose install scripts may run; those too that only building a
  # git dependency needs.
  allowScripts ? [ ],
  # Package (name or install path) -> another tarball, or package -> { src } | { directory }.
  overrides ? { },
  # Package (name or install path) -> patches, applied with -p1.
  patches ? { },
  # Directory of a local dependency -> a derivation or a path with its files.
  localDependencies ? { },
  # In npm's words; this machine's where not given.
  platform ? import ./platform.nix stdenv.hostPlatform,
  # Where node-gyp finds the headers of Node.js, `include/node`.
  nodedir ? nodejs,
  # More inputs for install scripts, and for what builds git dependencies.
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  name ? null,
  passthru ? { },
}:
let
  generated = import ./load.nix { inherit fetchurl fetchgit registry; } packages;
  names = import ./names.nix generated.packages;
  assembler = import ./assembler.nix;
  runsScripts = allowScripts != [ ];

  prepare = import ./prepare.nix {
    inherit
      stdenv
      python3
      nodejs
      platform
      allowScripts
      nodedir
      nativeBuildInputs
      buildInputs
      ;
  };

  manifest = import ./manifest.nix {
    inherit (generated) packages;
    inherit
      platform
      omit
      overrides
      localDependencies
      allowScripts
      prepare
      ;
  };

  onlyGiven =
    attributes:
    removeAttrs attributes (
      builtins.filter (name: attributes.${name} == null) (builtins.attrNames attributes)
    );

  patchCommands = builtins.concatMap (
    key:
    builtins.concatMap (
      path:
      map (file: ''
        if [ -d "$out"/${quote path} ]; then
          echo "patching "${quote path}
          patch --directory="$out"/${quote path} --strip=1 --no-backup-if-mismatch < ${file}
        fi
      '') patches.${key}
    ) (names.installPathsOf "patches" key)
  ) (builtins.attrNames patches);

  quote = text: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] text}'";

  lockHash = "sha256:${builtins.hashFile "sha256" lock}";
  projectName = if generated.name == null then "npm" else generated.name;
  storeName = builtins.replaceStrings [ "@" "/" ] [ "" "-" ] projectName;
  versionSuffix = if generated.version == null then "" else "-${generated.version}";
in
assert
  lock == null
  || lockHash == generated.lockHash
  || throw ''
    npm2nixlite: ${toString lock} is not the lock that ${toString packages} was generated from.
      Run 'npm2nixlite generate' again.'';
stdenv.mkDerivation {
  name = if name != null then name else "${storeName}-node-modules${versionSuffix}";

  manifest = builtins.toJSON (
    manifest
    // onlyGiven {
      lock = if lock == null then null else "${lock}";
      packageJson = if packageJson == null then null else "${packageJson}";
      node = nodejs.version or null;
    }
  );
  passAsFile = [ "manifest" ];

  nativeBuildInputs = [ python3 ] ++ (if runsScripts then [ nodejs ] ++ nativeBuildInputs else [ ]);
  buildInputs = if runsScripts then buildInputs else [ ];

  buildCommand = ''
    export PYTHONPATH=${assembler} PYTHONDONTWRITEBYTECODE=1
    umask 022
    python3 -m npm2nixlite.assemble "$manifestPath" "$out"
    ${builtins.concatStringsSep "" patchCommands}
  ''
  + (
    if runsScripts then
      ''
        export HOME="$TMPDIR/home" npm_config_nodedir=${nodedir}
        mkdir -p "$HOME"
        # install scripts call commands whose first line names /usr/bin/env
        if declare -F patchShebangs > /dev/null; then patchShebangs "$out"; fi
        python3 -m npm2nixlite.assemble.scripts "$manifestPath" "$out"
      ''
    else
      ""
  );

  passthru = {
    inherit generated manifest;
  }
  // passthru;
}
