# Whether nixpkgs is new enough for mempool's packages: true, or an evaluation error that says what
# to do.
#
# 24.05 is the first with pnpm at its top level, from which the registry is known, and with Python
# 3.11 or newer, Node.js 20 or newer, and node-semver among its Python packages.
#
# Type: oldestNixpkgs :: pkgs -> true
#
# Example:
#   oldestNixpkgs { lib.trivial.release = "25.05"; }
#   => true
pkgs:
let
  oldest = "24.05";
  # Whatever stands for nixpkgs and says no version is taken as it is.
  release = pkgs.lib.trivial.release or oldest;
in
if builtins.compareVersions release oldest >= 0 then
  true
else
  throw ''
    npm2nixlite: mempool's packages need nixpkgs ${oldest} or newer, and this one is ${release}.
      Update it, or build them with a newer one:
      services.mempool.packages = (import ./npm2nixlite/nix/mempool { pkgs = import NEWER { }; }).latest;''
