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
    esplora = lib.filterAttrs (network: _: lib.elem network shown) cfg.esplora;
    limits =
      if cfg.limits.enable then { inherit (cfg.limits) requests burst connections; } else null;
    headers = cfg.security_headers;
    cache.size = cfg.cache_size;
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
    esplora = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        mainnet = "127.0.0.1:3000";
      };
      description = ''
        Network -> address and port of its esplora server, where the backend's setting
        `MEMPOOL.BACKEND` is "esplora": it answers for blocks, transactions and addresses then.
      '';
    };
    public = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether strangers are served: limits what each of them may ask for. Behind another proxy nginx
        must learn the visitors' addresses from it first (`set_real_ip_from`).
      '';
    };
    limits = {
      enable = mkOption {
        type = types.bool;
        default = cfg.public;
        defaultText = lib.literalExpression "config.services.mempool-frontend.public";
        description = "Whether to limit what one visitor may ask for; more is answered by 429.";
      };
      requests = mkOption {
        type = types.ints.positive;
        default = 20;
        description = "Requests of the API each second.";
      };
      burst = mkOption {
        type = types.ints.unsigned;
        default = 200;
        description = "Requests at once beyond that: a page asks for many when it is opened.";
      };
      connections = mkOption {
        type = types.ints.positive;
        default = 20;
        description = "Websockets at once.";
      };
    };
    security_headers = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether to send `X-Content-Type-Options`, `Referrer-Policy` and `Permissions-Policy`. For
        `Strict-Transport-Security`, set `forceSSL` of the virtual host and add the header there.
      '';
    };
    cache_size = mkOption {
      type = types.strMatching "[1-9][0-9]*[kmg]";
      default = "2g";
      description = "What nginx may keep of answers on disk.";
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
    services.mempool.server_config = server.serverConfig;
    services.nginx = {
      enable = true;
      appendHttpConfig = server.httpConfig;
      virtualHosts.${cfg.host_name} = {
        extraConfig = config.services.mempool.server_config;
        locations = lib.mapAttrs (_: extraConfig: { inherit extraConfig; }) server.locations;
      };
    };
  };
}
