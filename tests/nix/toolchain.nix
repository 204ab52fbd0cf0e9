# What of nixpkgs the library needs, made of this machine's own tools: for tests without nixpkgs.
# The sandbox must see the tools (sandbox-paths = /bin /usr /lib /lib64).
#
# A build finds the tools of a stdenv, and Node.js and Python only where they are among its inputs,
# as with nixpkgs: see ./setup.sh. One thing the sandbox cannot hide: /usr/bin/env is there.
{
  nodeVersion ? null,
  # Where Node.js and npm are.
  nodePrefix ? "/usr",
  system ? builtins.currentSystem,
}:
let
  linked =
    name: command:
    derivation {
      inherit name system;
      builder = "/bin/bash";
      args = [
        "-ec"
        # bash ends, and not the last command in its place: coreutils close their output before they
        # end, and Nix then kills what it takes for a builder that went on without one
        "export PATH=/usr/bin:/bin; mkdir -p $out/bin; ${command}; exit 0"
      ];
    };

  initialPath = linked "host-tools" ''
    ln -s -t $out/bin $(ls -d /usr/bin/* | grep -Ev '/(node|nodejs|npm|npx|corepack|cc|c[+][+]|python.*|pip.*)$')
    ln -s /usr/bin/gcc $out/bin/cc
    ln -s /usr/bin/g++ $out/bin/c++'';

  # nix-shell reads it, too.
  stdenv = linked "stdenv" "cp ${./setup.sh} $out/setup";

  mkDerivation =
    arguments:
    if builtins.isFunction arguments then
      let
        final = arguments final;
      in
      mkDerivation final
    else
      let
        attributes = removeAttrs arguments [
          "env"
          "meta"
          "passthru"
        ];
        named = if arguments ? name then { } else { name = "${arguments.pname}-${arguments.version}"; };
      in
      derivation (
        {
          inherit system initialPath;
          builder = "/bin/bash";
          args = [
            "-ec"
            ". $stdenv/setup; genericBuild; exit 0"
          ];
          inherit stdenv;
          nativeBuildInputs = [ ];
          buildInputs = [ ];
        }
        // named
        // (arguments.env or { })
        // attributes
      )
      // (arguments.passthru or { })
      // {
        meta = arguments.meta or { };
        overrideAttrs = change: mkDerivation (arguments // change arguments);
      };
in
{
  stdenv = {
    inherit mkDerivation;
    shell = "/bin/bash";
    hostPlatform = {
      inherit system;
    };
  };
  bash = linked "bash" "ln -s /usr/bin/bash /usr/bin/sh $out/bin";
  nodejs =
    linked "nodejs" ''
      ln -s ${nodePrefix}/bin/node ${nodePrefix}/bin/npm ${nodePrefix}/bin/npx $out/bin
      ln -s ${nodePrefix}/include ${nodePrefix}/lib $out''
    // {
      version = nodeVersion;
    };
  python3 = linked "python3" "ln -s /usr/bin/python3 $out/bin";
}
