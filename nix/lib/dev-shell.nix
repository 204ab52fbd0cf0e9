# A shell with a project's tree linked into it: entering it makes `node_modules` in the current
# directory a link to the store. A directory that npm made there is left alone, with a word.
{
  stdenv,
  nodejs,
  mkShell ? null,
}:
{
  # What mkNodeModules gave.
  nodeModules,
  nativeBuildInputs ? [ ],
  shellHook ? "",
  ...
}@arguments:
let
  make = if mkShell == null then stdenv.mkDerivation else mkShell;
in
make (
  {
    name = "npm-project-shell";
  }
  // removeAttrs arguments [ "nodeModules" ]
  // {
    nativeBuildInputs = nativeBuildInputs ++ [ nodejs ];
    shellHook = ''
      if [ -e node_modules ] && [ ! -L node_modules ]; then
        echo "node_modules is a directory: remove it to have the one from the store" >&2
      else
        ln -sfn ${nodeModules}/node_modules node_modules
      fi
      export PATH="$PWD/node_modules/.bin:$PATH"
    ''
    + shellHook;
  }
)
