# The known releases of mempool, as data: version -> what `add_release.py` wrote.
#
# Each is a directory below `releases/` with `release.json` and the generated files beside it; a
# new release is a new directory and nothing else.
let
  directories = builtins.readDir ./releases;
  versions = builtins.filter (name: directories.${name} == "directory") (
    builtins.attrNames directories
  );

  read =
    version:
    let
      directory = ./releases + "/${version}";
      fileIfAny = name: if builtins.pathExists (directory + "/${name}") then directory + "/${name}" else null;
      crates = fileIfAny "rust-gbt-crates.json";
      release = builtins.fromJSON (builtins.readFile (directory + "/release.json"));
    in
    release
    // {
      backendPackages = directory + "/backend-packages.nix";
      frontendPackages = directory + "/frontend-packages.nix";
      rustGbt =
        if crates == null then
          null
        else
          release.rustGbt
          // {
            crates = builtins.fromJSON (builtins.readFile crates);
            packages = directory + "/rust-gbt-packages.nix";
          };
    };
in
builtins.listToAttrs (
  map (version: {
    name = version;
    value = read version;
  }) versions
)
