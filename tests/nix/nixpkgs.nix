# What of nixpkgs the flake, its templates, the overlay and the modules name. Of it, the toolchain
# builds; the rest is to be evaluated only.
{
  system ? "x86_64-linux",
  # The registry base that pnpm is from.
  registry ? "https://registry.example/",
}:
let
  toolchain = import ./toolchain.nix {
    nodeVersion = "20.0.0";
    inherit system;
  };

  package =
    name: version:
    derivation {
      inherit name version system;
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
        "dependencies"
        "build-system"
        "pname"
        "version"
        "pyproject"
        "pythonImportsCheck"
      ]
      // {
        name = "${arguments.pname}-${arguments.version}";
        inputs = (arguments.dependencies or [ ]) ++ (arguments.build-system or [ ]);
      }
    )
    // {
      tests = arguments.passthru.tests or { };
    };

  pkgs = toolchain // {
    inherit pkgs;
    stdenv = toolchain.stdenv // {
      shell = "/bin/sh";
      cc = package "gcc" "14";
    };
    runtimeShell = "/bin/sh";
    nodejs_20 = toolchain.nodejs;
    pnpm.src.url = "${registry}pnpm/-/pnpm-9.0.0.tgz";
    nixfmt-rfc-style = package "nixfmt" "1";
    nix-update-script = _: [ "nix-update" ];
    ruff = package "ruff" "0";
    shellcheck = package "shellcheck" "0";
    lib = {
      licenses.mit.spdxId = "MIT";
      platforms.unix = [ system ];
    };
    rsync = package "rsync" "3";
    cargo = package "cargo" "1";
    rustc = package "rustc" "1";
    git = package "git" "2";
    curl = package "curl" "8";
    jq = package "jq" "1";
    testers.runNixOSTest = test: package "vm-test-${test.name}" "1";
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
    python3 = toolchain.python3 // {
      withPackages = choose: package "python3" (toString (choose pkgs.python3Packages));
    };
    python3Packages = {
      buildPythonApplication = fromArguments;
      aiobotocore = package "aiobotocore" "2";
      aiohttp = package "aiohttp" "3";
      cryptography = package "cryptography" "41";
      hatchling = package "hatchling" "1";
      hypothesis = package "hypothesis" "6";
      matplotlib = package "matplotlib" "3";
      moto = package "moto" "5";
      mypy = package "mypy" "1";
      node-semver = package "node-semver" "0";
      packaging = package "packaging" "23";
      pytest = package "pytest" "8";
      pytest-asyncio = package "pytest-asyncio" "0";
      pytest-xdist = package "pytest-xdist" "3";
      semver = package "semver" "3";
      tqdm = package "tqdm" "4";
      types-tqdm = package "types-tqdm" "4";
      zstandard = package "zstandard" "0";
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
