# `services.mempool.tor`: the pages as an onion service, and everything outbound over Tor.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  cfg = config.services.mempool.tor;
  pages = config.services.mempool-frontend;

  socks = {
    HOST = cfg.socks.address;
    PORT = cfg.socks.port;
  };
  rules = logic.tor {
    inherit socks;
    inherit (cfg) enforce allow;
  };

  chained = lib.filter (
    network:
    config.services.mempool.${network}.enable
    && config.services.mempool.${network}.bitcoind.address == null
  ) (builtins.attrNames logic.networks);
  backends = builtins.attrNames config.services.mempool-backend;
  unitsOf = map (name: "mempool-${name}") backends ++ map (network: "bitcoind-${network}") chained;

  directory = "/run/mempool-onion";
  host = config.services.nginx.virtualHosts.${pages.host_name};
in
{
  options.services.mempool.tor = {
    enable = lib.mkEnableOption "an onion service for the pages, and Tor for everything outbound";
    onion_port = mkOption {
      type = types.port;
      default = 8480;
      description = "Port on 127.0.0.1 at which nginx serves the onion service.";
    };
    enforce = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether systemd keeps the backends, and the bitcoind of `services.mempool.<network>`, from
        every address but this machine's and those in `allow`.
      '';
    };
    allow = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "10.0.0.2" ];
      description = "Addresses that can be reached all the same, such as of a bitcoind elsewhere.";
    };
    socks = {
      address = mkOption {
        type = types.str;
        default = "127.0.0.1";
        description = "Address of Tor's proxy.";
      };
      port = mkOption {
        type = types.port;
        default = 9050;
        description = "Port of Tor's proxy.";
      };
    };
  };

  config = lib.mkIf cfg.enable {
    services.tor = {
      enable = true;
      client.enable = true;
      relay.onionServices.mempool = lib.mkIf pages.enable {
        version = 3;
        map = [
          {
            port = 80;
            target = {
              addr = "127.0.0.1";
              port = cfg.onion_port;
            };
          }
        ];
      };
    };

    services.mempool.socks_proxy = rules.settings;

    services.bitcoind = lib.genAttrs chained (_: {
      extraConfig = lib.mkOrder 110 rules.bitcoind;
    });

    services.nginx.virtualHosts = lib.mkIf pages.enable {
      # Without TLS, which Tor stands in for, and without a redirect to it.
      "${pages.host_name}-onion" = {
        listen = [
          {
            addr = "127.0.0.1";
            port = cfg.onion_port;
          }
        ];
        inherit (host) locations;
        extraConfig = config.services.mempool.server_config;
      };
      ${pages.host_name}.extraConfig = ''
        include ${directory}/*.conf;
      '';
    };

    systemd.services =
      lib.genAttrs unitsOf (_: { inherit (rules) serviceConfig; })
      // lib.optionalAttrs pages.enable {
        mempool-onion-location = {
          description = "The header that names the onion service of mempool's pages";
          wantedBy = [ "multi-user.target" ];
          wants = [ "tor.service" ];
          after = [
            "tor.service"
            "nginx.service"
          ];
          path = [
            pkgs.coreutils
            config.systemd.package
          ];
          serviceConfig = {
            Type = "oneshot";
            RemainAfterExit = true;
            RuntimeDirectory = "mempool-onion";
            ExecStart = "${pkgs.runtimeShell} ${./runtime/onion-location.sh} /var/lib/tor/onion/mempool/hostname ${directory}/location.conf";
            ExecStartPost = "${config.systemd.package}/bin/systemctl try-reload-or-restart nginx.service";
            # Tor may take its time at the first start.
            TimeoutStartSec = "infinity";
          };
        };
      };
  };
}
