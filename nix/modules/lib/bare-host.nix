# An address without the brackets that stand about an IPv6 address beside a port.
#
# Type: bareHost :: string -> string
#
# Example:
#   bareHost "[fd00::1]"
#   => "fd00::1"
host:
let
  inner = builtins.match "\\[(.*)]" host;
in
if inner == null then host else builtins.head inner
