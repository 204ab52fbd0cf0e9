# Where a server can be reached from its own machine, of the address that it listens at.
#
# Type: reachableHost :: string -> string
#
# Example:
#   reachableHost "0.0.0.0"
#   => "127.0.0.1"
address:
{
  "0.0.0.0" = "127.0.0.1";
  "::" = "::1";
}
.${address} or address
