# A shell to work on mempool in, with its own `npm install` and `npm run …`.
#
#   nix-shell path/to/npm2nixlite/nix/mempool/shell.nix
{
  pkgs ? import <nixpkgs> { },
}:
let
  releases = import ./releases.nix;
  newest = builtins.foldl' (
    best: version: if builtins.compareVersions version best > 0 then version else best
  ) "0" (builtins.attrNames releases);
in
pkgs.mkShell {
  nativeBuildInputs = [
    (import ./nodejs.nix pkgs releases.${newest}.nodejs)
    pkgs.cargo
    pkgs.python3
    pkgs.rsync
    pkgs.rustc
  ];
  # Cypress would fetch a browser.
  CYPRESS_INSTALL_BINARY = 0;
}
