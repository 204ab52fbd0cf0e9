# A configuration, evaluated with nixpkgs' own module system and these modules; what belongs to
# nixpkgs' modules is declared here as far as ours set it.
#
# Type: system :: { nixpkgsLib, configuration, pkgs ? … } -> { config, options, failed, packages }
{
  nixpkgsLib,
  configuration,
  pkgs ? import ../pkgs.nix,
}:
let
  lib = import nixpkgsLib;
  inherit (lib) mkOption types;

  free = mkOption {
    type = types.attrsOf types.anything;
    default = { };
  };
  listOfStrings = mkOption {
    type = types.listOf types.str;
    default = [ ];
  };

  # Units hold lists that may be joined, as nixpkgs' do.
  unit = types.submodule {
    freeformType = types.attrsOf types.anything;
    options = {
      after = listOfStrings;
      wants = listOfStrings;
      requires = listOfStrings;
      partOf = listOfStrings;
    };
  };

  bitcoind = types.submodule {
    freeformType = types.attrsOf types.anything;
    options.extraConfig = mkOption {
      type = types.lines;
      default = "";
    };
  };

  virtualHost = types.submodule {
    freeformType = types.attrsOf types.anything;
    options.extraConfig = mkOption {
      type = types.lines;
      default = "";
    };
  };

  nixpkgsOptions = {
    options = {
      assertions = mkOption {
        type = types.listOf types.raw;
        default = [ ];
      };
      warnings = listOfStrings;
      systemd.services = mkOption {
        type = types.attrsOf unit;
        default = { };
      };
      systemd.slices = free;
      services.tor = free;
      services.prometheus = free;
      services.mysqlBackup = free;
      systemd.paths = free;
      systemd.timers = free;
      systemd.package = mkOption { default = pkgs.systemd; };
      systemd.tmpfiles.rules = listOfStrings;
      environment.systemPackages = mkOption { default = [ ]; };
      nix.package = mkOption { default = pkgs.nix; };
      users.users = free;
      boot = free;
      networking = free;
      security = free;
      system.stateVersion = mkOption {
        type = types.str;
        default = "25.05";
      };
      users.groups = free;
      services.bitcoind = mkOption {
        type = types.attrsOf bitcoind;
        default = { };
      };
      services.mysql = {
        enable = lib.mkEnableOption "MySQL";
        package = mkOption { type = types.package; };
      };
      services.nginx = mkOption {
        type = types.submodule {
          freeformType = types.attrsOf types.anything;
          options = {
            enable = lib.mkEnableOption "nginx";
            appendHttpConfig = mkOption {
              type = types.lines;
              default = "";
            };
            virtualHosts = mkOption {
              type = types.attrsOf virtualHost;
              default = { };
            };
          };
        };
        default = { };
      };
    };
  };

  evaluated = lib.evalModules {
    modules = [
      ../../../nix/modules
      nixpkgsOptions
      { _module.args = { inherit pkgs; }; }
      configuration
    ];
  };
  inherit (evaluated) config;
in
{
  inherit config;
  inherit (evaluated) options;
  failed = map (assertion: assertion.message) (
    builtins.filter (assertion: !assertion.assertion) config.assertions
  );
  packages = {
    backend = config.services.mempool.packages.mempool-backend.drvPath;
    frontend = config.services.mempool.packages.mempool-frontend.drvPath;
  };
}
