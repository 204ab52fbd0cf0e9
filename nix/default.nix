# npm projects from generated files.
#
# With nixpkgs:
#   let npm = import ./nix { inherit pkgs; }; in npm.buildNpmProject { src = ./.; … }
#
# Without, anything with the same names will do: see tests/nix/toolchain.nix.
{
  # stdenv, nodejs, python3; and where it has them pnpm (for the registry) and mkShell.
  pkgs,
  nodejs ? pkgs.nodejs,
  python3 ? pkgs.python3,
  stdenv ? pkgs.stdenv,
  # The registry base, for generated files that leave it out.
  registry ? import ./lib/registry.nix pkgs,
  # What fetches tarballs; Nix's own fetcher where not given.
  fetchurl ? null,
  # What fetches git dependencies: nixpkgs' own where it is there, else Nix's, at evaluation.
  fetchgit ? pkgs.fetchgit or null,
}:
let
  mkNodeModules = import ./lib/mk-node-modules.nix {
    inherit
      stdenv
      python3
      nodejs
      fetchurl
      fetchgit
      registry
      ;
  };
in
{
  inherit mkNodeModules;
  buildNpmProject = import ./lib/build-npm-project.nix { inherit stdenv nodejs mkNodeModules; };
  mkDevShell = import ./lib/dev-shell.nix {
    inherit stdenv nodejs;
    mkShell = pkgs.mkShell or null;
  };
}
