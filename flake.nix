{
  description = "Translates npm lockfiles into fixed-output Nix derivations; with mempool as packages and services";

  inputs.nixpkgs.url = "nixpkgs";

  outputs =
    { nixpkgs, ... }:
    let
      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      forSystems =
        make:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = make nixpkgs.legacyPackages.${system};
          }) systems
        );
      packagesOf =
        pkgs:
        let
          mempool = import ./nix/mempool { inherit pkgs; };
        in
        {
          npm2nixlite = pkgs.callPackage ./nix/package.nix { };
          default = pkgs.callPackage ./nix/package.nix { };
          inherit (mempool.latest) mempool-backend mempool-frontend mempool-rust-gbt;
        };
    in
    {
      packages = forSystems packagesOf;
      overlays.default = import ./nix/overlay.nix;

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

      # lib.with { inherit pkgs; } has buildNpmProject, mkNodeModules and mkDevShell.
      lib = {
        "with" = import ./nix;
        mempool = import ./nix/mempool;
        services = import ./nix/modules/lib;
      };

      devShells = forSystems (pkgs: {
        default = import ./nix/shell.nix { inherit pkgs; };
      });

      # What takes minutes and not hours: everything but the pages.
      checks = forSystems (pkgs: {
        inherit (packagesOf pkgs) npm2nixlite mempool-backend;
      });
    };
}
