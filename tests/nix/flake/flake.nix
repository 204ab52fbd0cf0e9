# A stand-in for the flake nixpkgs. The tests copy it beside nixpkgs.nix and what that imports, and
# write the registry base to ./registry.nix.
{
  outputs =
    _:
    let
      genAttrs =
        names: make:
        builtins.listToAttrs (
          map (name: {
            inherit name;
            value = make name;
          }) names
        );

      packagesOf =
        system:
        let
          pkgs = import ./nixpkgs.nix {
            inherit system;
            registry = import ./registry.nix;
          };
          toolchain = import ./toolchain.nix {
            nodeVersion = "20.0.0";
            inherit system;
          };
          # In the place of a Python program, for there is no nixpkgs to build one: a command that
          # says what it stands for.
          python3Packages = pkgs.python3Packages // {
            buildPythonApplication =
              arguments:
              toolchain.stdenv.mkDerivation {
                inherit (arguments) pname version;
                buildCommand = ''
                  mkdir -p $out/bin
                  echo 'echo "stands for ${arguments.pname}"' > $out/bin/${arguments.pname}
                  chmod +x $out/bin/${arguments.pname}
                '';
                passthru.tests = arguments.passthru.tests;
              };
          };
        in
        pkgs
        // {
          # These build, too.
          inherit (toolchain) bash stdenv;
          callPackage =
            file: arguments:
            pkgs.callPackage file (
              if baseNameOf file == "package.nix" then { inherit python3Packages; } // arguments else arguments
            );
          mkShell =
            arguments:
            toolchain.stdenv.mkDerivation (
              {
                name = "shell";
                # `nix develop` makes these.
                outputs = [ "out" ];
              }
              // arguments
            );
        };
    in
    {
      lib = { inherit genAttrs; };
      legacyPackages = genAttrs [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ] packagesOf;
    };
}
