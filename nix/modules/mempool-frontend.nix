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
  addressOf =
    network:
    cfg.backends.${network} or config.services.mempool.local_backends.${network}
      or (logic.hostPort "127.0.0.1" logic.networks.${network}.httpPort);

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
    promoVideo = cfg.promo_video;
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
    promo_video = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression ''
        pkgs.fetchFromGitHub { owner = "mempool"; repo = "mempool-promo"; rev = "…"; hash = "…"; }
      '';
      description = ''
        A checkout of mempool's repository mempool-promo: the video of the page "About", and its
        subtitles. It is large, and no part of the pages' package; without it the page shows a still.
      '';
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
    ++ map (network: {
      assertion = lib.versionAtLeast cfg.package.version logic.networks.${network}.since;
      message = "services.mempool-frontend: the pages of mempool ${cfg.package.version} do not know ${network}, which came with ${
        logic.networks.${network}.since
      }. Set services.mempool.release to that or a newer one.";
    }) shown
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
        extraConfig = server.serverConfig;
        locations = lib.mapAttrs (_: extraConfig: { inherit extraConfig; }) server.locations;
      };
    };
  };
}
