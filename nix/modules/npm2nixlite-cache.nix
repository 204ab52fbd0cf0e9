# `services.npm2nixlite-cache`: a binary cache that nginx serves, and whoever has a token pushes to;
# and the service that pushes what a machine builds.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  cfg = config.services.npm2nixlite-cache;
  nginx = config.services.nginx.user or "nginx";

  server = logic.cacheServer {
    inherit (cfg) directory uploads;
    tokens = "/run/npm2nixlite-cache/tokens.conf";
  };
  units = logic.cacheUnits {
    inherit (cfg) program directory;
    inherit (pkgs) bash;
    nix = config.nix.package;
    group = nginx;
    tokenFiles = cfg.token_files;
    tokensScript = ./runtime/cache-tokens.sh;
    keepSince = cfg.gc.keep_since;
    keepRoots = cfg.gc.keep_roots;
    push = {
      inherit (cfg.push) to upstreams compression;
      tokenFile = cfg.push.token_file;
      keyFiles = cfg.push.key_files;
      upstreamKeys = cfg.push.upstream_keys;
    };
  };

  listOf =
    type: description:
    mkOption {
      type = types.listOf type;
      default = [ ];
      inherit description;
    };
in
{
  options.services.npm2nixlite-cache = {
    enable = lib.mkEnableOption "a binary cache for a fleet, served by nginx";
    program = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = lib.literalMD "npm2nixlite, from this repository";
      description = "The package of npm2nixlite.";
    };
    host_name = mkOption {
      type = types.str;
      example = "cache.example";
      description = "Name of nginx's virtual host; its other options are in `services.nginx.virtualHosts.<name>`.";
    };
    directory = mkOption {
      type = types.path;
      default = "/var/lib/npm2nixlite-cache/cache";
      description = "Where the cache is.";
    };
    uploads = mkOption {
      type = types.path;
      default = "/var/lib/npm2nixlite-cache/uploads";
      description = "Where uploads lie until they are whole; on the file system of `directory`.";
    };
    token_files = listOf types.str ''
      Files outside the store with a bearer token each: who sends one may push. Everybody may read.
    '';
    gc = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = "Whether to remove old paths by and by.";
      };
      dates = mkOption {
        type = types.str;
        default = "weekly";
        description = "When, as systemd's OnCalendar has it.";
      };
      keep_since = mkOption {
        type = types.strMatching "[0-9]+[hdw]";
        default = "26w";
        description = "How long a path stays after it was pushed, with all that it refers to.";
      };
      keep_roots = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "A file with store paths that stay in any case, with all that they refer to.";
      };
    };
    push = {
      enable = lib.mkEnableOption "pushing what this machine builds";
      to = mkOption {
        type = types.nonEmptyListOf types.str;
        example = [ "https://cache.example" ];
        description = "Addresses of caches.";
      };
      token_file = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "A file outside the store with a bearer token.";
      };
      key_files = listOf types.str "Files outside the store with secret keys, to sign with.";
      upstreams = listOf types.str "Caches that the fleet asks as well: what they have is not sent.";
      upstream_keys = listOf types.str "The public keys that the fleet trusts those by.";
      compression = mkOption {
        type = types.enum [
          "none"
          "zstd"
          "xz"
        ];
        default = "zstd";
        description = "How NARs are compressed.";
      };
    };
  };

  config = lib.mkMerge [
    (lib.mkIf cfg.enable {
      services.nginx = {
        enable = true;
        appendHttpConfig = server.httpConfig;
        virtualHosts.${cfg.host_name}.locations."/".extraConfig = server.location;
      };
      systemd.services = {
        npm2nixlite-cache-tokens = units.tokens;
        nginx.serviceConfig.ReadWritePaths = [
          cfg.directory
          cfg.uploads
        ];
      }
      // lib.optionalAttrs cfg.gc.enable {
        npm2nixlite-cache-gc = units.gc // {
          startAt = cfg.gc.dates;
        };
      };
      systemd.tmpfiles.rules = [
        "d ${cfg.directory} 0755 ${nginx} ${nginx} -"
        "d ${cfg.uploads} 0700 ${nginx} ${nginx} -"
      ];
    })
    (lib.mkIf cfg.push.enable {
      systemd.services.npm2nixlite-cache-push = units.push // {
        wantedBy = [ "multi-user.target" ];
      };
    })
  ];
}
