# The network whose pages and API stand at the root of the site: the main one, or where that is not
# shown the first of those that are. Releases before 3.0.0 always have the main one there.
#
# Type: rootNetwork :: [ network ] -> network
#
# Example:
#   rootNetwork [ "testnet" "signet" ]
#   => "signet"
enabled:
if enabled == [ ] || builtins.elem "mainnet" enabled then
  "mainnet"
else
  builtins.head (builtins.sort builtins.lessThan enabled)
