# Settings over settings: attribute sets are merged, all else is replaced.
#
# Type: mergeSettings :: [ attribute set ] -> attribute set
#
# Example:
#   mergeSettings [ { a = { b = 1; c = 2; }; } { a.c = 3; } ]
#   => { a = { b = 1; c = 3; }; }
let
  # A secret is a value, though it is written as an attribute set.
  isSection = value: builtins.isAttrs value && !(value ? _secret) && !(value ? outPath);

  merge =
    below: above:
    below
    // builtins.mapAttrs (
      name: value:
      if isSection value && below ? ${name} && isSection below.${name} then
        merge below.${name} value
      else
        value
    ) above;
in
builtins.foldl' merge { }
