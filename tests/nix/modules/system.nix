# A configuration, evaluated with nixpkgs' own module system and these modules; what belongs to
# nixpkgs' modules is declared here as far as ours set it.
#
# Type: system :: { nixpkgsLib, configuration } -> config
{ nixpkgsLib, configuration }:
let
  lib = import nixpkgsLib;
  inherit (lib) mkOption types;

  toolchain = import ../toolchain.nix { nodeVersion = "20.0.0"; };

  package =
    name: version:
    derivation {
      inherit name version;
      system = "x86_64-linux";
      builder = "/bin/sh";
    }
    // {
      inherit version;
    };

  pkgs = toolchain // {
    stdenv = toolchain.stdenv // {
      shell = "/bin/sh";
    };
    runtimeShell = "/bin/sh";
    nodejs_20 = toolchain.nodejs;
    pnpm.src.url = "https://registry.example/pnpm/-/pnpm-9.0.0.tgz";
    rsync = "/usr";
    electrs = package "electrs" "0.10.9";
    mariadb = package "mariadb" "11.4";
    writeText = name: text: builtins.toFile name text;
    runCommand =
      name: _: command:
      toolchain.stdenv.mkDerivation { inherit name; buildCommand = command; };
    fetchCrate = arguments: package arguments.pname arguments.version;
    fetchFromGitHub =
      arguments: package "source" arguments.rev // { name = "source"; };
    rustPlatform.buildRustPackage =
      arguments:
      toolchain.stdenv.mkDerivation (
        removeAttrs arguments [
          "pname"
          "version"
        ]
        // {
          name = "${arguments.pname}-${arguments.version}";
        }
      );
  };

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
      systemd.tmpfiles.rules = listOfStrings;
      users.users = free;
      users.groups = free;
      services.bitcoind = mkOption {
        type = types.attrsOf bitcoind;
        default = { };
      };
      services.mysql = {
        enable = lib.mkEnableOption "MySQL";
        package = mkOption { type = types.package; };
      };
      services.nginx = {
        enable = lib.mkEnableOption "nginx";
        appendHttpConfig = mkOption {
          type = types.lines;
          default = "";
        };
        virtualHosts = free;
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
