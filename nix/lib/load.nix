/**
  A generated file, evaluated. An evaluation error where it names no registry and none is given.

  # Type

  ```
  load :: { fetchurl ? null, fetchgit ? null, registry ? null } -> packages -> AttrSet
  ```

  `packages` is the path of a `node-packages.nix`, or what it evaluates to.

  # Example

  ```nix
  (load { registry = "https://registry.example/"; } ./node-packages.nix).packages
  ```
*/
{
  fetchurl ? null,
  fetchgit ? null,
  registry ? null,
}:
packages:
let
  generate = import packages;
  arguments = builtins.functionArgs generate;
  required = arguments ? registry && !arguments.registry;
in
if packages == null then
  throw ''
    npm2nixlite: there is no `packages`, the file that says where each package comes from.
      Run 'npm2nixlite generate' in the project, and write packages = ./node-packages.nix;''
else if builtins.isAttrs packages && packages ? packages then
  packages
else if required && registry == null then
  throw ''
    npm2nixlite: ${toString packages} names no registry, and none was given.
      Give one: import nix { registry = "https://registry.example/"; … }''
else
  generate (
    (if fetchurl == null then { } else { inherit fetchurl; })
    // (if fetchgit == null then { } else { inherit fetchgit; })
    // (if registry == null then { } else { inherit registry; })
  )
