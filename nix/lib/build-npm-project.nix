/**
  An npm project, built as nixpkgs' `buildNpmPackage` builds one: the same phases, hooks and
  argument names; what is not named here goes to `mkDerivation`, and `overrideAttrs` works.

  # Type

  ```
  buildNpmProject :: { src, packages, lock ? null, … } -> derivation
  ```

  # Example

  ```nix
  npm.buildNpmProject {
    pname = "server";
    version = "1.0.0";
    src = ./.;
    packages = ./node-packages.nix;
    lock = ./package-lock.json;
    npmWorkspace = "packages/server";
  }
  ```
*/
{
  stdenv,
  python3,
  nodejs,
  # The Node.js that builds; the other one when the project is built for another platform.
  buildNodejs ? nodejs,
  plan,
  # The same for the tree that builds: of the platform that builds.
  buildingPlan ? plan,
  mkNodeModules,
  # What the first lines of commands may name besides Node.js.
  hostInputs ? [ nodejs ],
}:
{
  # The project's files.
  src,
  # See mkNodeModules for these.
  packages ? null,
  lock ? null,
  packageJson ? null,
  omit ? null,
  settings ? { },
  allowScripts ? null,
  installScripts ? { },
  overrides ? { },
  packagePatches ? { },
  localDependencies ? { },
  platform ? null,
  npmVersion ? null,
  nodedir ? null,
  npmRebuildFlags ? [ ],
  # The tree to build with, and the one to run with: made of the above where not given.
  nodeModules ? null,
  productionModules ? null,
  # Link the tree that mkNodeModules makes, instead of making one in the build's directory: nothing
  # can be written to it.
  linkNodeModules ? false,
  # The workspace, or the list of workspaces, to build and to install: by directory or by name.
  npmWorkspace ? null,
  # The script of package.json that builds; flags for `npm run`; and more of them for it, what comes
  # after "--" for the script.
  npmBuildScript ? "build",
  npmFlags ? [ ],
  npmBuildFlags ? [ ],
  dontNpmBuild ? false,
  dontNpmInstall ? false,
  # Install the tree that builds.
  dontNpmPrune ? false,
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  env ? { },
  passthru ? { },
  ...
}@given:
let
  arguments = import ./refused-arguments.nix given;

  isVariable = name: builtins.match "[A-Z][A-Z0-9_]*|npm_config_.*" name != null;
  # What the build has of these, install scripts have, too.
  variables =
    env
    // removeAttrs arguments (
      builtins.filter (name: !(isVariable name)) (builtins.attrNames arguments)
    );

  onlyGiven =
    attributes:
    removeAttrs attributes (
      builtins.filter (name: attributes.${name} == null) (builtins.attrNames attributes)
    );

  shared =
    groups:
    {
      inherit
        packages
        lock
        packageJson
        settings
        allowScripts
        installScripts
        overrides
        localDependencies
        nativeBuildInputs
        buildInputs
        ;
      omit = groups;
      patches = packagePatches;
      env = variables;
    }
    // onlyGiven { inherit platform npmVersion nodedir; };
  builtOmit = buildPlan.omit;
  productionOmit =
    if dontNpmPrune || builtins.elem "dev" builtOmit then builtOmit else builtOmit ++ [ "dev" ];
  workspaces =
    if npmWorkspace == null then
      [ ]
    else if builtins.isList npmWorkspace then
      npmWorkspace
    else
      [ npmWorkspace ];

  planned =
    groups:
    shared groups
    // {
      flags = npmRebuildFlags;
      patchesArgument = "packagePatches";
    };
  buildPlan = buildingPlan (planned omit);
  productionPlan = plan (planned productionOmit // { workspace = workspaces; });
  crossEnvironment = (import ./cross.nix stdenv).environment (
    if platform == null then import ./platform.nix stdenv.hostPlatform else platform
  );

  modulesWith =
    groups:
    mkNodeModules (
      shared groups
      // {
        inherit npmRebuildFlags;
        fixCommands = true;
        # The build lays it into the project.
        allowDanglingLinks = true;
      }
    );
  builtWith = if nodeModules == null then modulesWith omit else nodeModules;
  runWith = if productionModules == null then modulesWith productionOmit else productionModules;

  # A tree of its own, which other builds can share, is linked; one whose links lead into the
  # project is made inside of the output.
  isLinked = productionModules != null || (workspaces == [ ] && productionPlan.isWhole);

  mentions =
    phase: builtins.length (builtins.split "productionModules" (arguments.${phase} or "")) > 1;
  installs = !dontNpmInstall && !(arguments ? installPhase);
  needsProductionModules = mentions "installPhase" || mentions "postInstall" || mentions "preInstall";

  own = [
    "packages"
    "lock"
    "packageJson"
    "omit"
    "settings"
    "allowScripts"
    "installScripts"
    "overrides"
    "packagePatches"
    "localDependencies"
    "platform"
    "npmVersion"
    "nodedir"
    "npmRebuildFlags"
    "nodeModules"
    "productionModules"
    "linkNodeModules"
    "npmWorkspace"
    "dontNpmPrune"
    "dontNpmInstall"
  ];
in
assert
  !linkNodeModules
  || nodeModules != null
  || buildPlan.isWhole
  || throw ''
    npm2nixlite: linkNodeModules: links of this tree lead into the project, and cannot from the store.
      Leave it out.'';
stdenv.mkDerivation (
  removeAttrs crossEnvironment (builtins.attrNames env)
  // {
    strictDeps = true;
    # It takes long for as many files, and npm's packages are not ours to change.
    dontStrip = true;

    configurePhase = ''
      runHook preConfigure
      . ${./project.sh}
      configureProject
      runHook postConfigure
    '';

    buildPhase = ''
      runHook preBuild
      . ${./project.sh}
      if [ -z "''${dontNpmBuild-}" ]; then buildProject; fi
      runHook postBuild
    '';

    installPhase =
      if dontNpmInstall then
        ''
          runHook preInstall
          runHook postInstall
        ''
      else
        ''
          runHook preInstall
          . ${./project.sh}
          installProject
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
    npmWorkspace = workspaces;
    npmAssembler = import ./assembler.nix;
    npmPython = "${python3}/bin/python3";
    npmHostNode = "${nodejs}/bin/node";
    npmNodedir = if nodedir == null then nodejs.dev or nodejs else nodedir;
    nativeBuildInputs = nativeBuildInputs ++ [
      buildNodejs
      python3
    ];
    buildInputs = buildInputs ++ hostInputs;
    passthru = {
      nodeModules = builtWith;
      productionModules = runWith;
    }
    // passthru;
  }
  // (
    if nodeModules != null || linkNodeModules then
      {
        nodeModules = builtWith;
        inherit linkNodeModules;
      }
    else
      {
        npmPlan = buildPlan.file;
        npmLocalScripts = buildPlan.localScripts;
      }
  )
  // (if installs then { npmProductionPlan = productionPlan.file; } else { })
  // (
    if (installs && isLinked) || needsProductionModules then
      { productionModules = runWith; }
    else
      { }
  )
)
