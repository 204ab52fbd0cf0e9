# The registry base that nixpkgs itself fetches an npm-published tool from.
#
# Type: registryOf :: pkgs -> string | null
#
# Generated files may leave the registry out, and this project names none. Who has nixpkgs has one:
# pnpm's source is its package on the registry.
#
# Example:
#   registryOf { pnpm.src.url = "https://registry.example/pnpm/-/pnpm-9.0.0.tgz"; }
#   => "https://registry.example/"
pkgs:
let
  source = pkgs.pnpm.src or { };
  url = source.url or (if source ? urls then builtins.head source.urls else "");
  found = builtins.match "(.*/)pnpm/-/pnpm-[^/]*" url;
in
if found == null then null else builtins.head found
