# `services.mempool-frontend`: the pages, served by nginx, with the backends behind them.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  cfg = config.services.mempool-frontend;

  shown = lib.filter (network: cfg."${network}_enabled") (builtins.attrNames logic.networks);

  # Where a network's backend is: said here, or the local instance, or where one would be.
  localPorts = lib.mapAttrs' (
    name: instance:
    let
      evaluated = logic.backendSettings name instance;
    in
    lib.nameValuePair evaluated.network (toString evaluated.settings.MEMPOOL.HTTP_PORT)
  ) config.services.mempool-backend;
  addressOf =
    network:
    cfg.backends.${network}
      or "127.0.0.1:${localPorts.${network} or (toString logic.networks.${network}.httpPort)}";

  modes = logic.buildModes {
    "services.mempool-frontend" = { inherit (cfg) build package; };
  };
  inContainer = modes.container != [ ];

  scripts = logic.frontendConfig {
    inherit (cfg.package) version;
    inherit (cfg.package.release.source) commit;
    enabled = shown;
    inherit (cfg) settings customize;
  };

  server = logic.nginx {
    # nginx follows the symlink at each request: a switch needs no restart.
    root =
      if inContainer then
        "${config.services.mempool.container_build.result_dir}/mempool-frontend/current"
      else
        "${cfg.package}/${cfg.package.root}";
    inherit (cfg.package.release) languages;
    config = pkgs.writeText "mempool-config.js" scripts.config;
    customize = pkgs.writeText "mempool-customize.js" scripts.customize;
    backends = lib.genAttrs shown addressOf;
  };

  flag =
    network: default:
    mkOption {
      type = types.bool;
      inherit default;
      description = "Whether to show ${network}. Changing it builds nothing.";
    };
in
{
  options.services.mempool-frontend = {
    enable = lib.mkEnableOption "the web pages of the mempool block explorer";
    build = import ./build-option.nix lib {
      default = config.services.mempool.build;
      defaultText = lib.literalExpression "config.services.mempool.build";
      description = "Where the pages are built; see `services.mempool.build`.";
    };
    mainnet_enabled = flag "mainnet" true;
    testnet_enabled = flag "testnet" false;
    testnet4_enabled = flag "testnet4" false;
    signet_enabled = flag "signet" false;
    regtest_enabled = flag "regtest" false;
    package = mkOption {
      type = types.package;
      default = config.services.mempool.packages.mempool-frontend;
      defaultText = lib.literalExpression "config.services.mempool.packages.mempool-frontend";
      description = "The pages' package.";
    };
    host_name = mkOption {
      type = types.str;
      default = "mempool";
      description = "Name of nginx's virtual host; its other options are in `services.nginx.virtualHosts.<name>`.";
    };
    backends = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        signet = "10.0.0.2:8995";
      };
      description = "Where a network's backend is, if not on this machine.";
    };
    settings = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      example = {
        ITEMS_PER_PAGE = 25;
        LIGHTNING = true;
      };
      description = "The pages' settings, as mempool-frontend-config.json has them.";
    };
    customize = mkOption {
      type = types.attrsOf types.anything;
      default = { };
      description = "The pages' branding, as mempool's custom-*-config.json files have it.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = shown != [ ];
        message = "services.mempool-frontend: no network is enabled.";
      }
    ]
    ++ modes.assertions;
    inherit (modes) warnings;
    services.mempool.container_build.projects = lib.mkIf inContainer {
      mempool-frontend = cfg.package.containerBuild // {
        inherit (cfg.package) nodejs;
        units = [ ];
      };
    };
    services.nginx = {
      enable = true;
      appendHttpConfig = server.httpConfig;
      virtualHosts.${cfg.host_name} = {
        default = lib.mkDefault true;
        extraConfig = server.serverConfig;
        locations = lib.mapAttrs (_: extraConfig: { inherit extraConfig; }) server.locations;
      };
    };
  };
}
