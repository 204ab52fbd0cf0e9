# mempool on one machine, from bitcoind to the pages: a regtest with blocks, a signet beside it,
# each part killed and restarted, the language switched, a setting changed.
{
  name = "mempool";

  nodes.explorer =
    { pkgs, ... }:
    {
      imports = [ ../modules ];

      virtualisation = {
        memorySize = 4096;
        diskSize = 8192;
      };

      services.mempool = {
        regtest.enable = true;
        signet.enable = true;
      };
      # No network: what is asked of others would be waited for.
      services.mempool-backend.regtest.settings = {
        FIAT_PRICE.ENABLED = false;
        MEMPOOL.POLL_RATE_MS = 1000;
      };
      services.mempool-backend.signet.settings.FIAT_PRICE.ENABLED = false;
      services.bitcoind.regtest.extraConfig = ''
        [regtest]
        fallbackfee=0.0002
      '';
      services.bitcoind.signet.extraConfig = ''
        [signet]
        connect=0
      '';

      environment.systemPackages = [
        pkgs.curl
        pkgs.jq
      ];

      specialisation.quicker.configuration = {
        services.mempool-backend.regtest.settings.MEMPOOL.POLL_RATE_MS = 500;
        services.mempool-frontend.settings.ITEMS_PER_PAGE = 25;
      };
    };

  testScript = builtins.readFile ./mempool.py;
}
