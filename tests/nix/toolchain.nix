# What of nixpkgs the library needs, made of this machine's own tools: for tests without nixpkgs.
# The sandbox must see the tools (extra-sandbox-paths = /bin /usr /lib /lib64).
{
  nodeVersion ? null,
  system ? builtins.currentSystem,
}:
let
  tool = attributes: { outPath = "/usr"; } // attributes;

  mkDerivation =
    arguments:
    let
      attributes = removeAttrs arguments [
        "meta"
        "passthru"
      ];
      named =
        if arguments ? name then
          { }
        else
          { name = "${arguments.pname}-${arguments.version}"; };
    in
    derivation (
      {
        inherit system;
        builder = "/bin/bash";
        args = [
          "-e"
          ./builder.sh
        ];
      }
      // named
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
    hostPlatform = {
      inherit system;
    };
  };
  nodejs = tool { version = nodeVersion; };
  python3 = tool { };
}
