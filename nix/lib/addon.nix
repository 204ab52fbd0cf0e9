/**
  What the install scripts of one package make, as a derivation of its own: it is built once for
  every tree that has the package, and anew only when the package, what it depends on, its patches
  or its inputs change. It holds new and changed files only, and none of a compiler's intermediate
  ones.

  # Type

  ```
  addon :: { stdenv, python3, nodejs, … } -> { path, manifest, name, … } -> derivation
  ```
*/
{
  stdenv,
  python3,
  nodejs,
}:
{
  # The package's install path.
  path,
  # What the assembler installs for it, see manifest.nix, with patches and other packages' add-ons.
  manifest,
  # The derivation's name.
  name,
  # Where node-gyp finds the headers of Node.js, `include/node`.
  nodedir,
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  # Variables for the scripts.
  env ? { },
  # Flags, as `npm rebuild` takes them.
  flags ? [ ],
}:
let
  # npm hands its flags on as variables.
  fromFlag =
    flag:
    let
      found = builtins.match "--(no-)?([^=]+)(=(.*))?" flag;
      value = builtins.elemAt found 3;
      underscored = builtins.replaceStrings [ "-" ] [ "_" ];
    in
    if found == null then
      throw ''
        npm2nixlite: "${flag}" is no flag that can be handed to install scripts.
          Write --name, --name=value or --no-name.''
    else
      {
        name = "npm_config_${underscored (builtins.elemAt found 1)}";
        value =
          if builtins.head found != null then
            ""
          else if value == null then
            "true"
          else
            value;
      };
in
stdenv.mkDerivation (
  builtins.listToAttrs (map fromFlag flags)
  // env
  // {
    inherit name buildInputs;
    manifest = builtins.toJSON manifest;
    passAsFile = [ "manifest" ];
    strictDeps = true;
    nativeBuildInputs = [
      python3
      nodejs
    ]
    ++ nativeBuildInputs;

    buildCommand = ''
      export PYTHONPATH=${import ./assembler.nix} PYTHONDONTWRITEBYTECODE=1
      export HOME="$TMPDIR/home" npm_config_nodedir=${nodedir} npm_config_progress=false
      umask 022
      mkdir -p "$HOME" work
      python3 -m npm2nixlite.project tree "$manifestPath" work
      # install scripts call commands whose first line names /usr/bin/env
      patchShebangs --build work
      python3 -m npm2nixlite.project addon work '${path}' "$out"
    '';
  }
)
