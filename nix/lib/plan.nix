/**
  What a tree is made of, from the arguments that all builders share.

  # Type

  ```
  plan :: { stdenv, python3, nodejs, … } -> { packages, lock ? null, … } -> {
    generated :: AttrSet;       # the generated file, evaluated
    manifest :: AttrSet;        # the assembler's input
    text :: string;             # the same as JSON
    file :: derivation;         # the same as a file
    omit :: [ string ];         # the groups that are left out
    storeName :: string;        # name and version of the project, for the store
    localScripts :: [ string ]; # directories of the project whose install scripts may run
    isWhole :: bool;            # whether no link leads into the project's own source
  }
  ```
*/
{
  stdenv,
  python3,
  nodejs,
  # What runs install scripts.
  buildNodejs ? nodejs,
  fetchurl ? null,
  fetchgit ? null,
  registry ? null,
}:
{
  packages ? null,
  lock ? null,
  packageJson ? null,
  src ? null,
  workspace ? null,
  omit ? null,
  settings ? { },
  allowScripts ? null,
  installScripts ? { },
  overrides ? { },
  patches ? { },
  patchesArgument ? "patches",
  localDependencies ? { },
  platform ? null,
  npmVersion ? null,
  nodedir ? nodejs.dev or nodejs,
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  env ? { },
  flags ? [ ],
}@arguments:
let
  generated = import ./load.nix { inherit fetchurl fetchgit registry; } packages;
  names = import ./names.nix generated.packages;
  isList = builtins.isList;

  # What package.json and .npmrc say, which `generate` wrote down; arguments go before it.
  recorded =
    (generated.recorded or { })
    // {
      settings =
        (generated.recorded.settings or { })
        // builtins.mapAttrs (
          _: value: if builtins.isBool value then (if value then "true" else "false") else value
        ) settings;
    };
  omit =
    if arguments.omit or null != null then
      arguments.omit
    else
      builtins.filter (word: builtins.isString word && word != "") (
        builtins.split " +" (recorded.settings.omit or "")
      );
  host = import ./platform.nix stdenv.hostPlatform;
  platform =
    if arguments.platform or null != null then
      arguments.platform
    else
      host // builtins.intersectAttrs host recorded.settings;

  # What decides: the argument, or the project's own `allowScripts`, which `generate` matched.
  decisions =
    if allowScripts == null then
      builtins.mapAttrs (_: package: package ? scriptsAllowed) (
        removeAttrs generated.packages (
          builtins.filter (
            path:
            let
              package = generated.packages.${path};
            in
            !(package ? scriptsAllowed || package ? scriptsDenied)
          ) (builtins.attrNames generated.packages)
        )
      )
    else if isList allowScripts then
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = true;
        }) allowScripts
      )
    else
      allowScripts;
  decided = value: builtins.filter (key: decisions.${key} == value) (builtins.attrNames decisions);

  filled =
    (
      if src == null then
        { }
      else
        builtins.mapAttrs (_: package: "${src}/${package.directory}") (
          removeAttrs generated.packages (
            builtins.filter (
              path:
              !(generated.packages.${path} ? directory) || builtins.match "[.][.]/.*" path != null
            ) (builtins.attrNames generated.packages)
          )
        )
    )
    // localDependencies;

  cross = import ./cross.nix stdenv;

  prepare = import ./prepare.nix {
    nodejs = buildNodejs;
    # What builds a git dependency runs here.
    platform = if cross.isCross then import ./platform.nix stdenv.buildPlatform else platform;
    inherit
      stdenv
      python3
      npmVersion
      nodedir
      nativeBuildInputs
      buildInputs
      ;
    allowScripts = decided true;
  };

  assembled = import ./manifest.nix {
    inherit (generated) packages;
    inherit
      platform
      omit
      overrides
      prepare
      recorded
      ;
    localDependencies = filled;
    allowScripts = decided true;
    denyScripts = decided false;
  };

  common = {
    node = nodejs.version or null;
  }
  // (if npmVersion == null then { nodejs = "${nodejs}"; } else { npm = npmVersion; })
  # Optional packages are chosen for the platform that .npmrc names, the others must fit this one.
  // (if arguments.platform or null == null && platform != host then { inherit host; } else { });

  packagePatches = import ./package-patches.nix names patchesArgument patches;
  isHere = path: assembled.packages.${path} ? tarball || assembled.packages.${path} ? tree;
  isFilled = path: assembled.packages.${path} ? directory && filled ? ${path};
  scripted = builtins.filter (path: isHere path || isFilled path) assembled.scripts;

  closureOf = import ./closure.nix {
    inherit (generated) packages;
    inherit lock;
  };
  closures = builtins.listToAttrs (
    map (name: {
      inherit name;
      value = closureOf name;
    }) scripted
  );

  own = builtins.listToAttrs (
    builtins.concatMap (
      key:
      map (
        name:
        if builtins.elem name assembled.scripts then
          {
            inherit name;
            value = installScripts.${key};
          }
        else
          throw ''
            npm2nixlite: installScripts names "${key}", and its install scripts do not run.
              They run for what allowScripts names.''
      ) (names.installPathsOf "installScripts" key)
    ) (builtins.attrNames installScripts)
  );

  addon = import ./addon.nix {
    inherit stdenv python3;
    nodejs = buildNodejs;
  };
  addonOf =
    path:
    let
      needed = closures.${path};
      among = keep: builtins.listToAttrs (
        map (name: {
          inherit name;
          value = null;
        }) keep
      );
      for = own.${path} or { };
      # Two add-ons that need each other are built without each other.
      others = builtins.filter (
        other:
        other != path && builtins.elem other needed && !(builtins.elem path closures.${other})
      ) scripted;
    in
    addon {
      inherit path nodedir;
      name = "npm-addon-${storeNameOf (names.nameOf path)}-${generated.packages.${path}.version or "0"}";
      manifest =
        assembled
        // common
        // {
          omit = [ ];
          scripts = [ ];
          packages = builtins.intersectAttrs (among needed) assembled.packages;
          patches = builtins.filter (
            patch: patch.path == null || builtins.elem patch.path needed
          ) packagePatches;
          addons = addonsOf others;
        };
      nativeBuildInputs = nativeBuildInputs ++ (for.nativeBuildInputs or [ ]);
      buildInputs = buildInputs ++ (for.buildInputs or [ ]);
      env = cross.environment platform // env // (for.env or { });
      flags = flags ++ (for.flags or [ ]);
    };
  addonsOf =
    paths:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = "${addonOf name}";
      }) paths
    );

  lockHash = "sha256:${builtins.hashFile "sha256" lock}";
  storeNameOf = builtins.replaceStrings [ "@" "/" ] [ "" "-" ];
  projectName = if generated.name == null then "npm" else generated.name;

  onlyGiven =
    attributes:
    removeAttrs attributes (
      builtins.filter (name: attributes.${name} == null) (builtins.attrNames attributes)
    );

  manifest =
    assembled
    // common
    // onlyGiven {
      lock = if lock == null then null else "${lock}";
      packageJson = if packageJson == null then null else "${packageJson}";
    }
    // {
      workspaces =
        if workspace == null then
          [ ]
        else if isList workspace then
          workspace
        else
          [ workspace ];
      patches = packagePatches;
      # What is left out of the tree needs none.
      addons = addonsOf scripted;
    };
  text = builtins.toJSON manifest;
  storeName =
    storeNameOf projectName + "-node-modules" + (if generated.version == null then "" else "-${generated.version}");

  strangers = builtins.filter (
    group:
    !(builtins.elem group [
      "dev"
      "optional"
      "peer"
    ])
  ) omit;
in
assert
  strangers == [ ]
  || throw ''
    npm2nixlite: omit names "${builtins.head strangers}", which is no group of dependencies.
      There are "dev", "optional" and "peer".'';
# Every name is looked at, whether or not a script runs.
assert builtins.isList (builtins.attrNames own);
assert
  lock == null
  || lockHash == generated.lockHash
  || throw ''
    npm2nixlite: ${toString lock} is not the lock that ${toString packages} was generated from.
      Run 'npm2nixlite generate' again.'';
{
  inherit
    generated
    manifest
    text
    omit
    storeName
    ;
  file = stdenv.mkDerivation {
    name = "${storeName}.json";
    inherit text;
    passAsFile = [ "text" ];
    buildCommand = ''cp "$textPath" "$out"'';
  };
  localScripts = builtins.filter (path: !(isHere path || isFilled path)) (
    builtins.filter (path: generated.packages.${path} ? directory) assembled.scripts
  );
  isWhole = builtins.all (
    package: !(package ? link) || filled ? ${package.link} || builtins.match "[.][.]/.*" package.link != null
  ) (builtins.attrValues generated.packages);
}
