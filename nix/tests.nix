# The Nix part of the tests, as derivations: the library's pure functions, evaluated; and a project
# built for real, with TypeScript, Vite and a native add-on.
{ pkgs, runCommand }:
let
  cases = import ../tests/nix/lib.nix;
  # Each is { expr, expected }, or a list of the two.
  fails =
    case:
    if builtins.isList case then
      builtins.elemAt case 0 != builtins.elemAt case 1
    else
      case.expr != case.expected;
  failed = builtins.filter (name: fails cases.${name}) (builtins.attrNames cases);
in
{
  library =
    if failed == [ ] then
      runCommand "npm2nixlite-library-tests" { } ''
        echo ${toString (builtins.length (builtins.attrNames cases))} tests > $out
      ''
    else
      throw "npm2nixlite: tests/nix/lib.nix: not as expected: ${toString failed}";
  web-service = import ../fixtures/web-service { inherit pkgs; };
}
