# Whether a package's tarball may be needed: what npm leaves out for certain is not fetched.
#
# Nothing is decided here: the flags of a generated file are what npm works out. The assembler,
# which knows Node.js and npm, decides in the end.
#
# Type: wanted :: { os, cpu, libc } -> [ group ] -> install path -> package -> bool
#
# Example:
#   wanted { os = "linux"; cpu = "x64"; libc = "glibc"; } [ ] "node_modules/a"
#     { optional = true; os = [ "darwin" ]; }
#   => false
platform: omit: path: package:
let
  omits = group: builtins.elem group omit;
  has = flag: package.${flag} or false;

  allows =
    listed: value:
    let
      refused = builtins.filter (name: builtins.substring 0 1 name == "!") listed;
    in
    listed == [ "any" ]
    || (
      value != null
      && !(builtins.elem "!${value}" listed)
      && (builtins.elem value listed || builtins.length refused == builtins.length listed)
    );

  fits = builtins.all (field: !(package ? ${field}) || allows package.${field} platform.${field}) [
    "os"
    "cpu"
    "libc"
  ];

  # npm omits nothing of what stands in a linked directory.
  omitted =
    builtins.match "node_modules/.*" path != null
    && (
      (has "peer" && omits "peer")
      || (has "dev" && omits "dev")
      || (has "optional" && omits "optional")
      || (has "devOptional" && omits "dev" && omits "optional")
    );
in
# Releases of npm that believe a lock's own flags install what others leave out.
has "extraneous" || has "kept" || (!omitted && (fits || !(has "optional")))
