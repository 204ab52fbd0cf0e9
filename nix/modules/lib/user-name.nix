# The system's user of an instance. Linux has no names of more than 31 characters: a longer one is
# cut, and told from others by a hash.
#
# Type: userName :: prefix -> instance name -> string
#
# Example:
#   userName "mempool" "mainnet"
#   => "mempool-mainnet"
prefix: name:
let
  whole = "${prefix}-${name}";
  hash = builtins.substring 0 8 (builtins.hashString "sha256" whole);
in
if builtins.stringLength whole <= 31 then whole else "${builtins.substring 0 22 whole}-${hash}"
