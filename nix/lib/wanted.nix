# Whether a package's tarball is needed at all: what npm leaves out is not fetched.
#
# Type: wanted :: { os, cpu, libc } -> [ group ] -> package -> bool
#
# The assembler decides in the end, with more to go by. Here only that is left out which is left
# out for certain: optional packages for other platforms, and omitted groups.
#
# Example:
#   wanted { os = "linux"; cpu = "x64"; libc = "glibc"; } [ ]
#     { optional = true; os = [ "darwin" ]; }
#   => false
platform: omit: package:
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

  omitted =
    (has "peer" && omits "peer")
    || (has "dev" && omits "dev")
    || (has "optional" && omits "optional")
    || (has "devOptional" && omits "dev" && omits "optional");
in
!omitted && (fits || !(has "optional"))
