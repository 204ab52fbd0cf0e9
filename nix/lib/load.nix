# A generated file, evaluated.
#
# Type: load :: { fetchurl ? null, fetchgit ? null, registry ? null } -> packages -> attribute set
#
# packages: the path of a `node-packages.nix`, or what it evaluates to. An evaluation error where
# the file names no registry and none is given.
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
if builtins.isAttrs packages && packages ? packages then
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
