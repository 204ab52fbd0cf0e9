# All modules: those of mempool, and the binary cache.
{
  imports = [
    ./packages.nix
    ./container-build.nix
    ./mempool-backend.nix
    ./mempool-frontend.nix
    ./electrs.nix
    ./mempool.nix
    ./tor.nix
    ./npm2nixlite-cache.nix
  ];
}
