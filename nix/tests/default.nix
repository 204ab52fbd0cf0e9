# Tests of the modules on whole NixOS machines.
#
# Type: tests :: { pkgs } -> { mempool, … }
#
# pkgs: nixpkgs, for a Linux with KVM.
#
# Example:
#   nix-build -E '(import ./nix/tests { pkgs = import <nixpkgs> { }; }).mempool'
{ pkgs }:
{
  mempool = pkgs.testers.runNixOSTest (import ./mempool.nix);
}
