/**
  What the library hands to the assembler, without fetching or building anything: for
  `npm2nixlite verify`, which fills in files of its own.

  # Type

  ```
  handedOver :: { packages, lock, omit, npm, node, system, isMusl, registry, packageJson ? null }
    -> string # JSON, as ./plan.nix gives it
  ```
*/
{
  packages,
  lock,
  omit,
  npm,
  node,
  system,
  isMusl,
  registry,
  packageJson ? null,
}:
let
  plan = import ./plan.nix {
    stdenv = {
      hostPlatform = { inherit system isMusl; };
      mkDerivation = _: "/built";
    };
    python3 = "/python";
    nodejs = {
      version = node;
      outPath = "/nodejs";
    };
    fetchurl = _: "/fetched";
    fetchgit = _: "/fetched";
    inherit registry;
  };
in
(plan {
  inherit
    packages
    lock
    omit
    packageJson
    ;
  npmVersion = npm;
}).text
