# All of mempool's modules.
{
  imports = [
    ./packages.nix
    ./container-build.nix
    ./mempool-backend.nix
    ./mempool-frontend.nix
    ./electrs.nix
    ./mempool.nix
    ./tor.nix
  ];
}
