/**
  A shell with a project's tree in the project, at its root wherever the shell is entered from:
  every `node_modules` of the lock, linked from the store, or with `writable = true` made there, to
  be written to. It is made anew when the lock changes, and not otherwise; what a user has put in
  its place stays, with a word.

  Other arguments go to `mkShell`.

  # Type

  ```
  mkDevShell :: { packages, lock, writable ? false, … } -> derivation
  ```

  # Example

  ```nix
  npm.mkDevShell {
    packages = ./node-packages.nix;
    lock = ./package-lock.json;
    writable = true;
  }
  ```
*/
{
  stdenv,
  python3,
  nodejs,
  mkNodeModules,
  mkShell ? null,
}:
{
  # What mkNodeModules gave; made of its arguments, as of those of buildNpmProject, where not given.
  nodeModules ? null,
  writable ? false,
  # Where the project is, below a directory that the shell is entered in.
  npmRoot ? ".",
  packagePatches ? { },
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  shellHook ? "",
  ...
}@arguments:
let
  forTree = [
    "packages"
    "lock"
    "packageJson"
    "workspace"
    "omit"
    "allowScripts"
    "installScripts"
    "overrides"
    "localDependencies"
    "platform"
    "nodedir"
    "npmRebuildFlags"
  ];
  tree =
    if nodeModules != null then
      nodeModules
    else
      mkNodeModules (
        removeAttrs arguments (
          builtins.filter (name: !(builtins.elem name forTree)) (builtins.attrNames arguments)
        )
        // {
          inherit nativeBuildInputs buildInputs;
          patches = packagePatches;
          env = arguments.env or { };
          # They lead into the project once they are there.
          allowDanglingLinks = true;
        }
      );

  make = if mkShell == null then stdenv.mkDerivation else mkShell;
  mode = if writable then "writable" else "linked";
  source = if writable then tree.plan.file else tree;
in
make (
  {
    name = "npm-project-shell";
  }
  // removeAttrs arguments (
    forTree
    ++ [
      "nodeModules"
      "writable"
      "npmRoot"
      "packagePatches"
    ]
  )
  // {
    nativeBuildInputs = nativeBuildInputs ++ [ nodejs ];
    inherit buildInputs;
    shellHook = ''
      if npmProject=$(
        PYTHONPATH=${import ./assembler.nix} PYTHONDONTWRITEBYTECODE=1 \
          ${python3}/bin/python3 -m npm2nixlite.project shell \
          ${mode} ${source} ${tree.generated.lockHash} '${npmRoot}'
      ); then
        export PATH="$npmProject/node_modules/.bin:$PATH"
      fi
      unset npmProject
    ''
    + shellHook;
  }
)
