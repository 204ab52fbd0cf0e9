# The stand-in for nixpkgs, for one platform.
import ./nixpkgs.nix { }
