# The unit that keeps a backend's copy of bitcoind's cookie up to date: bitcoind writes another
# cookie at each start, and only its own user can read it.
#
# Type: cookieUnit :: { name, user, cookie_file, shell, script, path, rereads } -> unit
#
# path: packages for the unit's PATH. rereads: whether the backend reads the copy again by itself
# (since 3.0.0); one that does not is restarted with this unit, which ends when the cookie changes.
{
  name,
  user,
  cookie_file,
  shell,
  script,
  path,
  rereads,
}:
let
  backend = "mempool-${name}.service";
in
{
  description = "bitcoind's cookie for the mempool backend, ${name}";
  wantedBy = [ backend ];
  # The backend starts with the cookie that is there, and no later one is missed.
  before = [ backend ];
  inherit path;
  environment.COOKIE_FILE = cookie_file;
  # However often bitcoind restarts.
  startLimitIntervalSec = 0;
  serviceConfig =
    import ./hardening.nix
    // {
      Type = "exec";
      ExecStartPre = "${shell} ${script} once";
      ExecStart = "${shell} ${script} ${if rereads then "follow" else "until-change"}";
      User = user;
      Group = user;
      # It reads one file of bitcoind's, wherever that is, and does nothing else.
      AmbientCapabilities = [ "CAP_DAC_READ_SEARCH" ];
      CapabilityBoundingSet = [ "CAP_DAC_READ_SEARCH" ];
      ProtectHome = "read-only";
      PrivateNetwork = true;
      RuntimeDirectory = "mempool-${name}-cookie";
      RuntimeDirectoryMode = "0700";
      RuntimeDirectoryPreserve = true;
      Restart = "always";
      RestartSec = 0;
    };
}
