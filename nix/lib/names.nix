/**
  Which packages a name means.

  `knows KEY` is whether there is such a package. `installPathsOf ARGUMENT KEY` are the install
  paths of a package; an evaluation error, which calls the argument by its name, where there is
  none.

  A key is an install path, a name, or, as npm writes it, a name with versions: `sharp@0.33.5`,
  `esbuild@0.25.0 || 0.25.1`.

  # Type

  ```
  names :: { INSTALL-PATH = package; } -> {
    nameOf :: string -> string;
    knows :: string -> bool;
    installPathsOf :: string -> string -> [ string ];
  }
  ```

  # Example

  ```nix
  (names { "node_modules/a/node_modules/@s/b" = { version = "1.0.0"; }; }).installPathsOf
    "allowScripts" "@s/b"
  => [ "node_modules/a/node_modules/@s/b" ]
  ```
*/
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

  # "@s/a@1.0.0 || 2.0.0" -> { name = "@s/a"; versions = [ "1.0.0" "2.0.0" ]; }
  parse =
    key:
    let
      found = builtins.match "(@?[^@]+)@([^@]+)" key;
      pieces = builtins.split "[ ]*[|][|][ ]*" (builtins.elemAt found 1);
    in
    if found == null then
      {
        name = key;
        versions = null;
      }
    else
      {
        name = builtins.head found;
        versions =
          if builtins.elemAt found 1 == "*" then null else builtins.filter builtins.isString pieces;
      };

  lookUp =
    key:
    let
      inherit (parse key) name versions;
      paths = byName.${name} or [ ];
    in
    if isInstallPath key then
      [ key ]
    else if versions == null then
      paths
    else
      builtins.filter (path: builtins.elem (packages.${path}.version or null) versions) paths;

  versionsOf = name: map (path: packages.${path}.version or "?") (byName.${name} or [ ]);
in
{
  inherit nameOf;
  knows = key: lookUp key != [ ];

  installPathsOf =
    argument: key:
    let
      found = lookUp key;
      inherit (parse key) name;
      others = versionsOf name;
    in
    if found != [ ] then
      found
    else if others != [ ] then
      throw ''
        npm2nixlite: ${argument} names "${key}", and the lock has another version of it.
          It has ${builtins.concatStringsSep ", " others}.''
    else
      throw ''
        npm2nixlite: ${argument} names "${key}", which is no package of this lock.
          Give a package's name, "name@1.0.0", or its install path, such as
          "node_modules/a/node_modules/b".'';
}
