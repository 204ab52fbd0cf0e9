# The machine of the VM test, as far as a machine with this one's own tools can have it: units,
# users, nginx' rules, bitcoind's lines.
#
# Type: machine :: { nixpkgsLib } -> { units, timers, users, tmpfiles, bitcoind, nginx }
{ nixpkgsLib }:
let
  tool = attributes: { type = "derivation"; outPath = "/usr"; } // attributes;
  stand =
    directory: version: attributes:
    tool {
      outPath = directory;
      inherit version;
      blockers = [ ];
      nodejs = tool { };
      release = {
        languages = [
          "de"
          "fr"
        ];
        source.commit = "abc";
      };
    }
    // attributes;

  pkgs = import ../../pkgs.nix // {
    runtimeShell = "/bin/bash";
    coreutils = tool { };
    curl = tool { };
    mariadb = tool { };
    systemd = tool { };
    electrs = stand "/opt/electrs" "0.10.9" { };
  };
  machine = (import ../../../../nix/tests/mempool.nix).nodes.explorer { inherit pkgs; };

  inherit
    (import ../system.nix {
      inherit nixpkgsLib pkgs;
      configuration =
        { lib, ... }:
        {
          inherit (machine) imports;
          options.virtualisation = lib.mkOption { };
          options.specialisation = lib.mkOption { };
          config = removeAttrs machine [ "imports" ] // {
            services = machine.services // {
              mempool = machine.services.mempool // {
                packages = {
                  mempool-backend = stand "/opt/mempool" "3.3.1" { };
                  mempool-frontend = stand "/opt/pages" "3.3.1" { root = "share"; };
                };
              };
            };
          };
        };
    })
    config
    ;
  host = config.services.nginx.virtualHosts.mempool;
in
{
  units = config.systemd.services;
  inherit (config.systemd) timers;
  users = builtins.attrNames config.users.users;
  tmpfiles = config.systemd.tmpfiles.rules;
  bitcoind = builtins.mapAttrs (_: options: {
    inherit (options) extraConfig dataDir;
    port = options.rpc.port;
  }) config.services.bitcoind;
  nginx = {
    inherit (config.services.nginx) appendHttpConfig;
    inherit (host) extraConfig;
    locations = builtins.mapAttrs (_: location: location.extraConfig) host.locations;
  };
}
