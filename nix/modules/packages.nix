# Which release of mempool, and where its npm packages come from: one place for all modules.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.mempool;
  releases = import ../mempool/releases.nix;
  fromRegistry = if cfg.registry == null then { } else { inherit (cfg) registry; };
  packages = import ../mempool ({ inherit pkgs; } // fromRegistry);
in
{
  options.services.mempool = {
    release = lib.mkOption {
      type = lib.types.enum (builtins.attrNames releases);
      default = lib.last (lib.sort lib.versionOlder (builtins.attrNames releases));
      description = "The release of mempool that runs.";
    };
    registry = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "https://registry.example/";
      description = ''
        Base address of the npm registry for everything of mempool's. Where none is given, it is the
        one that nixpkgs itself uses.
      '';
    };
    packages = lib.mkOption {
      type = lib.types.attrsOf lib.types.raw;
      default = packages.releases.${cfg.release};
      defaultText = lib.literalMD "mempool's packages of `services.mempool.release`";
      description = "Where `mempool-backend` and `mempool-frontend` are taken from.";
    };
  };
}
