# nixpkgs with this program, its library, and mempool's packages.
#
#   nixpkgs.overlays = [ (import ./nix/overlay.nix) ];
final: _prev:
let
  mempool = import ./mempool { pkgs = final; };
in
{
  npm2nixlite = final.callPackage ./package.nix { };
  # buildNpmProject, mkNodeModules, mkDevShell
  npm2nixliteLib = import ./. { pkgs = final; };
  # By version.
  mempoolReleases = mempool.releases;
  inherit (mempool.latest) mempool-backend mempool-frontend mempool-rust-gbt;
}
