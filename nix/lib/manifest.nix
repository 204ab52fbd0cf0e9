# The assembler's input: what stands at each install path, and where it comes from.
#
# Type: manifest :: { packages, platform, omit ? [ ], overrides ? { }, localDependencies ? { },
#   allowScripts ? [ ], denyScripts ? [ ], recorded ? { }, prepare ? null }
#   -> { packages, omit, os, cpu, libc, scripts, recorded }
#
# packages: install path -> package, as `node-packages.nix` has them.
# platform: see `platformOf`.
# overrides: package name or install path -> a tarball, or `package -> { src } | { directory }`.
# localDependencies: directory of a local dependency, as the lock spells it -> its files.
# allowScripts: package names or install paths whose install scripts may run; a name may also be
#   one of a package that only building a git dependency needs.
# denyScripts: the same, of those whose scripts may not run, whatever allowScripts says.
# recorded: what the generated file says of the project's package.json and .npmrc.
# prepare: { package, runsScripts } -> the tarball of a git dependency that is built before it is
#   packed, see ./prepare.nix.
{
  packages,
  platform,
  omit ? [ ],
  overrides ? { },
  localDependencies ? { },
  allowScripts ? [ ],
  denyScripts ? [ ],
  recorded ? { },
  prepare ? null,
}:
let
  namesOf = import ./names.nix;
  inherit (namesOf packages) installPathsOf knows;
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

  # Of a package that is only in a git dependency's own lock, that one's manifest has the paths.
  knownBelow =
    key: below:
    builtins.any (
      package:
      package ? prepare
      && ((namesOf package.prepare).knows key || knownBelow key package.prepare)
    ) (builtins.attrValues below);
  pathsOf = builtins.concatMap (
    key: if !knows key && knownBelow key packages then [ ] else installPathsOf "allowScripts" key
  );
  denied = pathsOf denyScripts;
  # Each once; a denial wins, as with npm.
  scripts = builtins.filter (path: !(builtins.elem path denied)) (
    builtins.attrNames (builtins.groupBy (path: path) (pathsOf allowScripts))
  );

  toEntry =
    path: package:
    let
      entry = override path package;
      fields = removeAttrs entry [
        "src"
        "directory"
        "prepare"
      ];
    in
    if package ? link then
      { inherit (package) link; }
    else if localDependencies ? ${path} then
      fields // { directory = "${localDependencies.${path}}"; }
    else if (entry.directory or null) != (package.directory or null) then
      fields // { directory = "${entry.directory}"; }
    else if entry ? src && wanted path package then
      fields
      // (
        # A git dependency is packed first; what replaces it is a tarball already.
        if entry ? prepare && entry.src == package.src then
          {
            tarball = "${
              prepare {
                inherit package;
                runsScripts = builtins.elem path scripts;
              }
            }";
          }
        else if entry ? rev && entry.src == package.src then
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
  inherit omit recorded scripts;
  inherit (platform) os cpu libc;
}
