# An npm project, built as nixpkgs' `buildNpmPackage` builds one: the same phases, hooks and
# argument names; what is not named here goes to `mkDerivation`, and `overrideAttrs` works.
{
  stdenv,
  nodejs,
  mkNodeModules,
}:
{
  # The project's files.
  src,
  # Its generated file; see mkNodeModules, which takes the arguments down to `platform` as well.
  packages ? null,
  lock ? null,
  packageJson ? null,
  omit ? [ ],
  allowScripts ? [ ],
  overrides ? { },
  packagePatches ? { },
  localDependencies ? { },
  platform ? null,
  # The tree to build with, and the one to run with: made of the above where not given.
  nodeModules ? null,
  productionModules ? null,
  # Link the tree instead of copying it: quicker, but nothing can be written to it.
  linkNodeModules ? false,
  # The script of package.json that builds; and what to hand to npm and to it.
  npmBuildScript ? "build",
  npmFlags ? [ ],
  npmBuildFlags ? [ ],
  dontNpmBuild ? false,
  nativeBuildInputs ? [ ],
  passthru ? { },
  ...
}@arguments:
let
  modulesWith =
    groups:
    mkNodeModules (
      {
        inherit
          packages
          lock
          packageJson
          allowScripts
          overrides
          localDependencies
          ;
        omit = groups;
        patches = packagePatches;
      }
      // (if platform == null then { } else { inherit platform; })
    );

  given = tree: groups: if tree == null then modulesWith groups else tree;
  builtWith = given nodeModules omit;
  runWith = given productionModules (
    omit ++ (if builtins.elem "dev" omit then [ ] else [ "dev" ])
  );

  own = [
    "packages"
    "lock"
    "packageJson"
    "omit"
    "allowScripts"
    "overrides"
    "packagePatches"
    "localDependencies"
    "platform"
    "nodeModules"
    "productionModules"
    "linkNodeModules"
  ];
in
stdenv.mkDerivation (
  {
    configurePhase = ''
      runHook preConfigure
      . ${./node-modules.sh}
      export HOME="$TMPDIR/home" npm_config_offline=true npm_config_update_notifier=false
      mkdir -p "$HOME"
      ${if linkNodeModules then "linkModules" else "copyModules"} "$nodeModules" .
      runHook postConfigure
    '';

    buildPhase = ''
      runHook preBuild
      if [ -z "''${dontNpmBuild-}" ]; then
        npm run $npmFlags "$npmBuildScript" -- $npmBuildFlags
      fi
      runHook postBuild
    '';

    installPhase = ''
      runHook preInstall
      installPackage "$productionModules"
      runHook postInstall
    '';
  }
  // removeAttrs arguments own
  // {
    inherit
      src
      npmBuildScript
      npmFlags
      npmBuildFlags
      dontNpmBuild
      ;
    nodeModules = builtWith;
    productionModules = runWith;
    nativeBuildInputs = nativeBuildInputs ++ [ nodejs ];
    passthru = {
      nodeModules = builtWith;
      productionModules = runWith;
    }
    // passthru;
  }
)
