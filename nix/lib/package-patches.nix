/**
  Patches for packages, whichever way they are given, as the assembler wants them.

  - a directory, `./patches`: all `.patch` files in it, as patch-package keeps them;
  - a list of such files;
  - an attribute set, package (see names.nix) -> a patch or a list of them, each relative to the
    package or, as patch-package writes them, to the project.

  # Type

  ```
  packagePatches :: names -> string -> (path | [ path ] | { NAME = path | [ path ]; })
    -> [ { file :: string; name :: string; path :: string | null; } ]
  ```

  # Example

  ```nix
  packagePatches names "packagePatches" { ms = ./ms.patch; }
  => [ { file = "/nix/store/…-patch"; name = "ms.patch"; path = "node_modules/ms"; } ]
  ```
*/
names: argument: patches:
let
  isSet = builtins.isAttrs patches && !(patches ? outPath);
  listOf = value: if builtins.isList value then value else [ value ];

  # A store path cannot have every name that a file may have.
  stored =
    file:
    if builtins.isPath file then
      builtins.path {
        path = file;
        name = "patch";
      }
    else
      "${file}";

  toPatch = path: file: {
    file = stored file;
    name = baseNameOf (toString file);
    inherit path;
  };
in
if isSet then
  builtins.concatMap (
    key:
    builtins.concatMap (path: map (toPatch path) (listOf patches.${key})) (
      names.installPathsOf argument key
    )
  ) (builtins.attrNames patches)
else
  map (toPatch null) (listOf patches)
