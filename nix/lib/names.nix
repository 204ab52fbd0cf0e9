# Which packages a name means.
#
# Type: names :: packages -> { nameOf, knows, installPathsOf }
#
# packages: install path -> package, as `node-packages.nix` has them.
#
# Example:
#   (names { "node_modules/a/node_modules/@s/b" = { version = "1.0.0"; }; }).installPathsOf
#     "allowScripts" "@s/b"
#   => [ "node_modules/a/node_modules/@s/b" ]
packages:
let
  lastName =
    path:
    let
      found = builtins.match "(.*/)?node_modules/((@[^/]+/)?[^/]+)" path;
    in
    if found == null then baseNameOf path else builtins.elemAt found 1;

  # The package's own name: an alias stands at an install path of another one.
  nameOf = path: packages.${path}.name or (lastName path);

  byName = builtins.groupBy nameOf (
    builtins.filter (path: !(packages.${path} ? link)) (builtins.attrNames packages)
  );
  isInstallPath = key: packages ? ${key} && !(packages.${key} ? link);
in
{
  inherit nameOf;

  # Whether there is a package `key`, which is a name or an install path.
  knows = key: isInstallPath key || byName ? ${key};

  # Every install path of the package `key`, which is a name or an install path itself; an
  # evaluation error where the lock has neither. `argument` is what to call it in the message.
  installPathsOf =
    argument: key:
    if isInstallPath key then
      [ key ]
    else
      byName.${key} or (throw ''
        npm2nixlite: ${argument} names "${key}", which is no package of this lock.
          Give a package's name or its install path, such as "node_modules/a/node_modules/b".'');
}
