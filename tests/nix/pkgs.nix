# What of nixpkgs the flake, the overlay and the modules name, to be evaluated and not to be built.
let
  toolchain = import ./toolchain.nix {
    nodeVersion = "20.0.0";
    system = "x86_64-linux";
  };

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

  # Arguments as they are, but for those that no derivation can have.
  fromArguments =
    arguments:
    toolchain.stdenv.mkDerivation (
      removeAttrs arguments [
        "pname"
        "version"
        "pyproject"
      ]
      // {
        name = "${arguments.pname}-${arguments.version}";
      }
    );

  pkgs = toolchain // {
    stdenv = toolchain.stdenv // {
      shell = "/bin/sh";
      cc = package "gcc" "14";
    };
    runtimeShell = "/bin/sh";
    nodejs_20 = toolchain.nodejs;
    pnpm.src.url = "https://registry.example/pnpm/-/pnpm-9.0.0.tgz";
    rsync = package "rsync" "3";
    cargo = package "cargo" "1";
    rustc = package "rustc" "1";
    git = package "git" "2";
    getent = package "getent" "2";
    bash = package "bash" "5";
    coreutils = package "coreutils" "9";
    util-linux = package "util-linux" "2";
    findutils = package "findutils" "4";
    gnugrep = package "gnugrep" "3";
    gnused = package "gnused" "4";
    gawk = package "gawk" "5";
    gnutar = package "gnutar" "1";
    gzip = package "gzip" "1";
    gnumake = package "gnumake" "4";
    binutils = package "binutils" "2";
    bubblewrap = package "bubblewrap" "0";
    nix = package "nix" "252";
    systemd = package "systemd" "252";
    electrs = package "electrs" "0.10.9";
    mariadb = package "mariadb" "11.4";
    # It is there at once, to be read; and so it cannot depend on what is still to be built.
    writeText = name: text: builtins.toFile name (builtins.unsafeDiscardStringContext text);
    runCommand =
      name: _: command:
      toolchain.stdenv.mkDerivation {
        inherit name;
        buildCommand = command;
      };
    fetchurl = arguments: package arguments.name "" // { inherit (arguments) url sha256; };
    writeShellScriptBin = name: text: package name text;
    fetchFromGitHub = arguments: package "source" arguments.rev;
    rustPlatform.buildRustPackage = fromArguments;
    python3Packages = {
      buildPythonApplication = fromArguments;
      aiohttp = package "aiohttp" "3";
      hatchling = package "hatchling" "1";
      node-semver = package "node-semver" "0";
      packaging = package "packaging" "23";
      semver = package "semver" "3";
      tqdm = package "tqdm" "4";
    };
    mkShell = arguments: toolchain.stdenv.mkDerivation ({ name = "shell"; } // arguments);
    callPackage =
      file: arguments:
      let
        function = import file;
      in
      function (builtins.intersectAttrs (builtins.functionArgs function) pkgs // arguments);
  };
in
pkgs
