# The assembler's input: what stands at each install path, and where it comes from.
#
# Type: manifest :: { packages, platform, omit ? [ ], overrides ? { }, localDependencies ? { },
#   allowScripts ? [ ] } -> { packages, omit, os, cpu, libc, scripts }
#
# packages: install path -> package, as `node-packages.nix` has them.
# platform: see `platformOf`.
# overrides: package name or install path -> a tarball, or `package -> { src } | { directory }`.
# localDependencies: directory of a local dependency, as the lock spells it -> its files.
# allowScripts: package names or install paths whose install scripts may run.
{
  packages,
  platform,
  omit ? [ ],
  overrides ? { },
  localDependencies ? { },
  allowScripts ? [ ],
}:
let
  inherit (import ./names.nix packages) installPathsOf;
  wanted = import ./wanted.nix platform omit;

  overridden = builtins.listToAttrs (
    builtins.concatMap (
      key:
      map (name: {
        inherit name;
        value = overrides.${key};
      }) (installPathsOf "overrides" key)
    ) (builtins.attrNames overrides)
  );

  override =
    path: package:
    if !(overridden ? ${path}) then
      package
    else if builtins.isFunction overridden.${path} then
      package // overridden.${path} package
    else
      package // { src = overridden.${path}; };

  unknown = builtins.filter (path: !(packages ? ${path}) || packages.${path} ? src) (
    builtins.attrNames localDependencies
  );

  toEntry =
    path: package:
    let
      entry = override path package;
      fields = removeAttrs entry [
        "src"
        "directory"
      ];
    in
    if package ? link then
      { inherit (package) link; }
    else if localDependencies ? ${path} then
      fields // { directory = "${localDependencies.${path}}"; }
    else if (entry.directory or null) != (package.directory or null) then
      fields // { directory = "${entry.directory}"; }
    else if entry ? src && wanted package then
      fields
      // (
        # A git dependency is packed first; what replaces it is a tarball already.
        if entry ? rev && entry.src == package.src then
          { tree = "${entry.src}" + (if entry ? subdirectory then "/${entry.subdirectory}" else ""); }
        else
          { tarball = "${entry.src}"; }
      )
    else
      fields;
in
assert
  unknown == [ ]
  || throw ''
    npm2nixlite: localDependencies names "${builtins.head unknown}", which is none of this lock.
      It has: ${
        builtins.concatStringsSep ", " (
          builtins.filter (path: packages.${path} ? directory) (builtins.attrNames packages)
        )
      }'';
{
  packages = builtins.mapAttrs toEntry packages;
  scripts = builtins.concatMap (installPathsOf "allowScripts") allowScripts;
  inherit omit;
  inherit (platform) os cpu libc;
}
