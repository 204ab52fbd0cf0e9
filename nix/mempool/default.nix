# mempool's packages: one attribute set for each release below `releases/`, and the newest one's.
#
# Type: packagesOf :: { pkgs, npm ? …, … } -> { latest, releases }
#
# Example:
#   (import ./nix/mempool { inherit pkgs; }).latest.mempool-backend
#   (import ./nix/mempool { inherit pkgs; }).releases."2.5.1".mempool-frontend
{
  # nixpkgs, 24.05 or newer: stdenv, fetchFromGitHub, fetchurl, rsync, rustPlatform, runCommand,
  # nodejs_*.
  pkgs,
  # The registry base; see ../lib/registry.nix.
  registry ? import ../lib/registry.nix pkgs,
  # What fetches tarballs; Nix's own fetcher where not given.
  fetchurl ? null,
  # Where Rust crates are fetched from; see rust-gbt.nix.
  crates ? "https://static.crates.io/crates",
  # Version -> release, as `release.json` and its neighbours have them.
  releases ? import ./releases.nix,
}:
assert import ./oldest-nixpkgs.nix pkgs;
let
  nodejsFor = import ./nodejs.nix pkgs;

  packagesOf =
    release:
    let
      nodejs = nodejsFor release.nodejs;
      npm = import ../. {
        inherit
          pkgs
          nodejs
          registry
          fetchurl
          ;
      };
      load = import ../lib/load.nix {
        inherit registry fetchurl;
        fetchgit = pkgs.fetchgit or null;
      };
      source = pkgs.fetchFromGitHub { inherit (release.source) owner repo rev hash; };
      common = {
        inherit
          pkgs
          npm
          nodejs
          release
          source
          load
          crates
          ;
      };
      mempool-rust-gbt = if release.rustGbt == null then null else import ./rust-gbt.nix common;
    in
    {
      mempool-backend = import ./backend.nix (common // { inherit mempool-rust-gbt; });
      mempool-frontend = import ./frontend.nix common;
    }
    // (if mempool-rust-gbt == null then { } else { inherit mempool-rust-gbt; });

  built = builtins.mapAttrs (_: packagesOf) releases;

  newest = builtins.foldl' (
    best: version: if builtins.compareVersions version best > 0 then version else best
  ) "0" (builtins.attrNames releases);
in
{
  releases = built;
  latest = built.${newest};
}
