{
  description = "An npm project";

  inputs = {
    nixpkgs.url = "nixpkgs";
    # Where you have this template from.
    npm2nixlite.url = "git+https://forge.example/npm2nixlite";
    npm2nixlite.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs =
    {
      self,
      nixpkgs,
      npm2nixlite,
    }:
    let
      systems = [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ];
      forSystems =
        make:
        nixpkgs.lib.genAttrs systems (system: make system nixpkgs.legacyPackages.${system});
    in
    {
      packages = forSystems (
        system: pkgs: {
          default = (npm2nixlite.lib.mkLib { inherit pkgs; }).buildNpmProject {
            pname = "application";
            version = "1.0.0";
            src = ./.;
            packages = ./node-packages.nix; # npm2nixlite generate
            lock = ./package-lock.json;
          };
        }
      );

      # With npm and npm2nixlite: `npm2nixlite generate` after each change of the lock.
      devShells = forSystems (
        system: pkgs: {
          default = (npm2nixlite.lib.mkLib { inherit pkgs; }).mkDevShell {
            inherit (self.packages.${system}.default) nodeModules;
            nativeBuildInputs = [ npm2nixlite.packages.${system}.default ];
          };
        }
      );

      checks = self.packages;
    };
}
