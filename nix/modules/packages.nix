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

  # Not needed where a lock names its registry, or where nothing is built of npm's.
  registry =
    let
      found = import ../lib/registry.nix pkgs;
    in
    if cfg.registry != null then
      cfg.registry
    else if found != null then
      found
    else
      throw ''
        services.mempool.registry: which npm registry? This nixpkgs does not say where it fetches npm's packages from.
          Set services.mempool.registry = "https://registry.example/"; with the base address of yours.'';

  packages = import ../mempool { inherit pkgs registry; };
in
{
  options.services.mempool = {
    release = lib.mkOption {
      type = lib.types.enum (builtins.attrNames releases);
      default = import ../mempool/default-release.nix config.system.stateVersion;
      defaultText = lib.literalMD "the newest that was known when `system.stateVersion` began";
      description = ''
        The release of mempool that runs. It stays what it is when this repository learns of a newer
        one: a backend migrates its database at its first start, and no older one takes that back.
      '';
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
    socks_proxy = lib.mkOption {
      type = lib.types.attrsOf lib.types.anything;
      default = { };
      internal = true;
      description = "Settings of all backends for a proxy, under what their own options say.";
    };
    server_config = lib.mkOption {
      type = lib.types.lines;
      default = "";
      internal = true;
      description = "What each of nginx's servers of the pages has.";
    };
    local_backends = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = { };
      internal = true;
      description = "Network -> where its backend on this machine answers.";
    };
    packages = lib.mkOption {
      type = lib.types.attrsOf lib.types.raw;
      default = packages.releases.${cfg.release};
      defaultText = lib.literalMD "mempool's packages of `services.mempool.release`";
      description = "Where `mempool-backend` and `mempool-frontend` are taken from.";
    };
  };
}
