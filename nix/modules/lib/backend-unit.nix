# A backend's systemd unit.
#
# Type: backendUnit :: { name, package, nodejs, address, preload, writeConfig, template,
#   credentials, memory_limit, result ? null, after ? [ ], boundTo ? [ ], groups ? [ ] } -> unit
#
# package: with `version`, its path, and `configPath` for releases before 2.5.0. address: where it
# listens. preload: the script that is loaded before it. writeConfig: the script that fills in
# secrets. template: the path of the settings without them. credentials: name -> file.
# memory_limit: MiB. result: where a container's build is run from, in the place of the package,
# which is not built then; the unit waits for one to be there. after: units to start after.
# boundTo: units to restart with. groups: those that it is in, too.
{
  name,
  package,
  nodejs,
  address,
  preload,
  writeConfig,
  template,
  credentials,
  memory_limit,
  result ? null,
  after ? [ ],
  boundTo ? [ ],
  groups ? [ ],
}:
let
  unit = "mempool-${name}";
  user = import ./user-name.nix "mempool" name;
  config = "/run/${unit}/config.json";
  readsVariable = builtins.compareVersions package.version "2.5.0" >= 0;
  main = "${result}/dist/index.js";
in
{
  description = "mempool backend, ${name}";
  wantedBy = [ "multi-user.target" ];
  wants = [ "network-online.target" ] ++ after;
  after = [ "network-online.target" ] ++ after ++ boundTo;
  partOf = boundTo;
  # What it needs may take hours to come up; it goes on trying.
  startLimitIntervalSec = 0;
  environment = {
    # Three quarters: the rest is for what is not in the heap.
    MEMPOOL_NODE_OPTIONS = "--max-old-space-size=${toString (memory_limit * 3 / 4)} --require=${preload}";
    MEMPOOL_LISTEN_ADDRESS = address;
  }
  // (if readsVariable then { MEMPOOL_CONFIG_FILE = config; } else { });

  serviceConfig =
    import ./hardening.nix
    // {
      ExecStartPre = "${nodejs}/bin/node ${writeConfig} ${template} ${config}";
      ExecStart =
        if result == null then
          "${package}/bin/mempool-backend"
        else
          "${nodejs}/bin/node $MEMPOOL_NODE_OPTIONS ${main}";
      User = user;
      Group = user;
      LoadCredential = builtins.attrValues (
        builtins.mapAttrs (credential: file: "${credential}:${file}") credentials
      );
      RuntimeDirectory = unit;
      RuntimeDirectoryMode = "0700";
      CacheDirectory = unit;
      CacheDirectoryMode = "0700";
      WorkingDirectory = "/var/cache/${unit}";
      SupplementaryGroups = groups;
      MemoryMax = "${toString memory_limit}M";
      Restart = "always";
      RestartSec = 10;
    }
    // (
      if readsVariable then
        { }
      else
        # Not there yet when the config is written, hence the dash.
        {
          BindReadOnlyPaths = [
            "-${config}:${
              if result == null then "${package}/${package.configPath}" else "${result}/mempool-config.json"
            }"
          ];
        }
    );
}
// (
  # Skipped and not failed until there is a result; who builds it starts it then.
  if result == null then { } else { unitConfig.ConditionPathExists = main; }
)
