# For flake-parts: a package and a development shell for each of perSystem.npm2nixlite.projects.
#
#   imports = [ inputs.npm2nixlite.flakeModules.default ];
#   perSystem.npm2nixlite.projects.web-service = {
#     src = ./.;
#     packages = ./node-packages.nix;
#     lock = ./package-lock.json;
#   };
{ lib, flake-parts-lib, ... }:
let
  inherit (lib) mkOption types;

  project = types.submodule {
    # Whatever else buildNpmProject takes.
    freeformType = types.lazyAttrsOf types.raw;
    options = {
      src = mkOption {
        type = types.raw;
        description = "The project's files.";
      };
      packages = mkOption {
        type = types.raw;
        description = "Its node-packages.nix, which `npm2nixlite generate` makes.";
      };
      lock = mkOption {
        type = types.raw;
        default = null;
        description = "The lock that it is from.";
      };
    };
  };
in
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    { config, pkgs, ... }:
    let
      settings = config.npm2nixlite;
      built = builtins.mapAttrs (
        name: arguments: settings.lib.buildNpmProject ({ pname = name; } // arguments)
      ) settings.projects;
    in
    {
      options.npm2nixlite = {
        lib = mkOption {
          type = types.raw;
          default = import ./. { inherit pkgs; };
          defaultText = lib.literalExpression "inputs.npm2nixlite.lib.mkLib { inherit pkgs; }";
          description = "The library: set it for another Node.js or registry.";
        };
        projects = mkOption {
          type = types.lazyAttrsOf project;
          default = { };
          description = "Name → what buildNpmProject takes.";
        };
      };

      config = {
        packages = built;
        devShells = builtins.mapAttrs (
          _: package: settings.lib.mkDevShell { inherit (package) nodeModules; }
        ) built;
      };
    }
  );
}
