/**
  A generated file, evaluated. An evaluation error where it is of another format, or
  names no registry and none is given.

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
  format = 1;

  generate = import packages;
  arguments = builtins.functionArgs generate;
  required = arguments ? registry && !arguments.registry;

  given = {
    inherit fetchurl fetchgit registry;
  };
  # Another format may have other arguments: it is to be told by its number all the same.
  known = builtins.intersectAttrs arguments given;
  chosen = removeAttrs known (
    builtins.filter (name: known.${name} == null) (builtins.attrNames known)
  );

  checked =
    generated:
    if generated.format or null == format then
      generated
    else
      throw ''
        npm2nixlite: ${place} has ${
          if generated ? format then "format ${toString generated.format}" else "no format"
        }; this version reads format ${toString format} only.
          Run 'npm2nixlite generate' of this version again, or use nix/lib of the other.'';

  place = if builtins.isAttrs packages then "what was given as packages" else toString packages;
in
if packages == null then
  throw ''
    npm2nixlite: there is no `packages`, the file that says where each package comes from.
      Run 'npm2nixlite generate' in the project, and write packages = ./node-packages.nix;''
else if builtins.isAttrs packages && packages ? packages then
  checked packages
else if required && registry == null then
  throw ''
    npm2nixlite: ${toString packages} names no registry, and none was given.
      Give one: import nix { registry = "https://registry.example/"; … }''
else
  checked (generate chosen)
