# The registry base that nixpkgs itself fetches an npm-published tool from.
#
# Type: registryOf :: pkgs -> string | null
#
# Generated files may leave the registry out, and this project names none. Who has nixpkgs has one:
# the source of some of its tools is their package on the registry. Which ones these are changes
# with nixpkgs; the first that is there counts.
#
# Example:
#   registryOf { pnpm.src.url = "https://registry.example/pnpm/-/pnpm-9.0.0.tgz"; }
#   => "https://registry.example/"
pkgs:
let
  tools = [
    (pkgs.pnpm or null)
    (pkgs.pnpm_10 or null)
    (pkgs.pnpm_9 or null)
    (pkgs.pnpm_8 or null)
    (pkgs.claude-code or null)
    (pkgs.github-copilot-cli or null)
    (pkgs.elmPackages.elm-test or null)
    (pkgs.nodePackages.npm or null)
    (pkgs.nodePackages.pnpm or null)
  ];

  urlOf =
    tool:
    let
      source = tool.src or { };
    in
    source.url or (if (source.urls or [ ]) != [ ] then builtins.head source.urls else "");

  # A removed tool's name is one that throws; a scope's package has two words before the dash.
  basesOf =
    tool:
    let
      found = builtins.tryEval (builtins.match "(https?://.*/)((@[^/]+/)?[^/@]+)/-/[^/]+\\.tgz" (urlOf tool));
      scoped = builtins.match "(.*/)@[^/]+/" (builtins.head found.value);
    in
    if !found.success || found.value == null then
      [ ]
    else if scoped != null then
      scoped
    else
      [ (builtins.head found.value) ];

  bases = builtins.concatMap basesOf tools;
in
if bases == [ ] then null else builtins.head bases
