# The release of mempool that runs where none is set: by NixOS' `system.stateVersion`, so that no
# update of this repository migrates a database by itself. A newer one is another line here, for
# states that begin after it.
#
# Type: defaultRelease :: stateVersion -> version
#
# Example:
#   defaultRelease "25.05"
#   => "3.3.1"
stateVersion:
let
  # The newest first.
  defaults = [
    {
      since = "0";
      release = "3.3.1";
    }
  ];
  fitting = builtins.filter (
    default: builtins.compareVersions stateVersion default.since >= 0
  ) defaults;
in
(builtins.head fitting).release
