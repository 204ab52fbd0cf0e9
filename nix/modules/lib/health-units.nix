# The units that restart a backend which answered once and answers no longer.
#
# Type: healthUnits :: { name, url, shell, script, path, interval, failures } -> { service, timer }
#
# url: what must answer. path: packages for the unit's PATH. interval: seconds between two looks.
# failures: how many of them in a row are too many.
{
  name,
  url,
  shell,
  script,
  path,
  interval,
  failures,
}:
let
  quote = import ./quote.nix;
in
{
  service = {
    description = "Whether the mempool backend answers, ${name}";
    inherit path;
    serviceConfig =
      import ./hardening.nix
      // {
        Type = "oneshot";
        # It may restart a unit.
        User = "root";
        RuntimeDirectory = "mempool-${name}-health";
        RuntimeDirectoryPreserve = true;
        ExecStart = "${shell} ${script} mempool-${name}.service ${quote url} ${toString failures}";
      };
  };
  timer = {
    description = "Whether the mempool backend answers, ${name}";
    wantedBy = [ "timers.target" ];
    timerConfig = {
      OnActiveSec = interval;
      OnUnitInactiveSec = interval;
    };
  };
}
