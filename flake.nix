{
  description = "npm lockfiles as fixed-output derivations, the projects built from them, and mempool";

  inputs.nixpkgs.url = "nixpkgs";

  outputs =
    { nixpkgs, ... }:
    let
      linux = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      systems = linux ++ [
        "aarch64-darwin"
        "x86_64-darwin"
      ];
      forSystems =
        make:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = make nixpkgs.legacyPackages.${system};
          }) systems
        );
      isLinux = pkgs: builtins.elem pkgs.stdenv.hostPlatform.system linux;

      packagesOf =
        pkgs:
        let
          npm2nixlite = pkgs.callPackage ./nix/package.nix { };
          mempool = (import ./nix/mempool { inherit pkgs; }).latest;
        in
        {
          inherit npm2nixlite;
          default = npm2nixlite;
        }
        // (
          if isLinux pkgs then
            { inherit (mempool) mempool-backend mempool-frontend mempool-rust-gbt; }
          else
            { }
        );
    in
    {
      packages = forSystems packagesOf;
      overlays.default = import ./nix/overlay.nix;

      # npm2nixlite.lib.mkLib { inherit pkgs; } has buildNpmProject, mkNodeModules and mkDevShell;
      # npm2nixlite.legacyPackages.${system} has them made with this flake's own nixpkgs.
      lib = {
        mkLib = import ./nix;
        mempool = import ./nix/mempool;
        services = import ./nix/modules/lib;
      };
      legacyPackages = forSystems (pkgs: import ./nix { inherit pkgs; });

      # For flake-parts: a package and a shell for each project of perSystem.npm2nixlite.projects.
      flakeModules.default = import ./nix/flake-module.nix;

      nixosModules = {
        default = import ./nix/modules;
        mempool-backend.imports = [
          ./nix/modules/packages.nix
          ./nix/modules/container-build.nix
          ./nix/modules/mempool-backend.nix
        ];
        mempool-frontend.imports = [
          ./nix/modules/packages.nix
          ./nix/modules/container-build.nix
          ./nix/modules/mempool-backend.nix
          ./nix/modules/mempool-frontend.nix
        ];
        electrs = import ./nix/modules/electrs.nix;
      };

      templates = {
        application = {
          path = ./nix/templates/application;
          description = "An npm project with a build script and a command";
        };
        workspace = {
          path = ./nix/templates/workspace;
          description = "An npm workspace, one package of which is built and installed";
        };
        native-addon = {
          path = ./nix/templates/native-addon;
          description = "A native add-on in C++, compiled by node-gyp without the network";
        };
        default = {
          path = ./nix/templates/application;
          description = "An npm project with a build script and a command";
        };
      };

      devShells = forSystems (pkgs: {
        # To work on this program; the other one on mempool.
        default = import ./nix/shell.nix { inherit pkgs; };
        mempool = import ./nix/mempool/shell.nix { inherit pkgs; };
      });

      formatter = forSystems (
        pkgs: pkgs.nixfmt-tree or pkgs.nixfmt-rfc-style or pkgs.nixfmt
      );

      # What takes minutes and not hours, but for the machine.
      checks = forSystems (
        pkgs:
        let
          packages = packagesOf pkgs;
        in
        {
          inherit (packages) npm2nixlite;
          inherit (packages.npm2nixlite.tests) library web-service;
        }
        // (
          if isLinux pkgs then
            {
              inherit (packages) mempool-backend;
              # It builds the pages, too, and needs KVM.
              mempool-vm = (import ./nix/tests { inherit pkgs; }).mempool;
            }
          else
            { }
        )
      );
    };
}
