# An address and a port in one word, with brackets about an IPv6 address.
#
# Type: hostPort :: string -> port -> string
#
# Example:
#   hostPort "fd00::1" 8332
#   => "[fd00::1]:8332"
host: port:
let
  bare = builtins.match "[^][]*:[^][]*" host != null;
in
"${if bare then "[${host}]" else host}:${toString port}"
