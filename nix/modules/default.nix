# All of mempool's modules.
{
  imports = [
    ./packages.nix
    ./mempool-backend.nix
    ./mempool-frontend.nix
    ./electrs.nix
    ./mempool.nix
  ];
}
