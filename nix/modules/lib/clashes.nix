# What instances want that only one can have.
#
# Type: clashes :: option path -> { what -> (instance name -> value) } -> [ { assertion, message } ]
#
# A value of null claims nothing. Only assertions that fail are given.
#
# Example:
#   clashes "services.mempool-backend" { "HTTP port" = { a = 8999; b = 8999; }; }
#   => [ { assertion = false; message = "services.mempool-backend: a and b want the same HTTP port, 8999. …"; } ]
option: claims:
let
  clashesOf =
    what: values:
    let
      claimed = builtins.filter (name: values.${name} != null) (builtins.attrNames values);
      byValue = builtins.groupBy (name: toString values.${name}) claimed;
      disputed = builtins.filter (value: builtins.length byValue.${value} > 1) (
        builtins.attrNames byValue
      );
    in
    map (value: {
      assertion = false;
      message = "${option}: ${builtins.concatStringsSep " and " byValue.${value}} want the same ${what}, ${value}. Give all but one of them another.";
    }) disputed;
in
builtins.concatLists (builtins.attrValues (builtins.mapAttrs clashesOf claims))
