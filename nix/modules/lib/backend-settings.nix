# A backend's settings: what its options and its network say, then its `config`, then its
# `settings`; the later wins.
#
# Type: backendSettings :: name -> instance -> { network, settings, rereads }
#
# instance: the module's options; null is "not given"; `package` needs its `version`, and `pools` is
# the directory of the mining pools' file, or null where the backend fetches it, and `beneath` has
# settings that these options and modules know, under what the user gave. A secret in the
# result is `{ _secret = PATH; }`, with `_part` "user" or "password" where the file holds
# `user:password`. rereads: whether this release reads bitcoind's cookie again after a refusal.
#
# Example:
#   (backendSettings "signet" { … }).settings.MEMPOOL.HTTP_PORT
#   => 8995
name: instance:
let
  networks = import ./networks.nix;
  mergeSettings = import ./merge.nix;
  userName = import ./user-name.nix;

  raw =
    if instance.config == null then { } else import ./raw-config.nix name instance.config;
  given = mergeSettings [
    raw
    instance.settings
  ];

  network =
    if instance.network != null then
      instance.network
    else if given ? MEMPOOL.NETWORK then
      given.MEMPOOL.NETWORK
    else if networks ? ${name} then
      name
    else
      throw ''
        services.mempool-backend.${name}: which network? Its name is none of ${builtins.concatStringsSep ", " (builtins.attrNames networks)}.
          Set network, or MEMPOOL.NETWORK in settings.'';

  ofNetwork =
    networks.${network} or (throw ''
      services.mempool-backend.${name}: there are no defaults for the network "${toString network}".
        It has them for ${builtins.concatStringsSep ", " (builtins.attrNames networks)}.'');

  onlyGiven = attributes: removeAttrs attributes (
    builtins.filter (key: attributes.${key} == null) (builtins.attrNames attributes)
  );

  runtimeDirectory = "/run/mempool-${name}";

  rereads = builtins.compareVersions instance.package.version "3.0.0" >= 0;

  credentials =
    if instance.cookie_file != null && rereads then
      {
        COOKIE = true;
        # Kept up to date by ./cookie-unit.nix.
        COOKIE_PATH = "/run/mempool-${name}-cookie/cookie";
      }
    else if instance.cookie_file != null then
      {
        USERNAME = {
          _secret = instance.cookie_file;
          _part = "user";
        };
        PASSWORD = {
          _secret = instance.cookie_file;
          _part = "password";
        };
      }
    else
      onlyGiven {
        USERNAME = instance.rpc_user;
        PASSWORD =
          if instance.rpc_password_file == null then
            null
          else
            { _secret = instance.rpc_password_file; };
      };

  database = {
    ENABLED = true;
    DATABASE = if instance.db_name == null then ofNetwork.database else instance.db_name;
    USERNAME = if instance.db_user == null then userName "mempool" name else instance.db_user;
    # Over the socket a user is known by who it is.
    PASSWORD =
      if instance.db_psk_file != null then
        { _secret = instance.db_psk_file; }
      else if instance.db_psk != null then
        instance.db_psk
      else
        "";
    PID_DIR = runtimeDirectory;
  }
  // (
    if instance.db_host == null then
      { SOCKET = instance.db_socket; }
    else
      {
        HOST = instance.db_host;
        SOCKET = "";
      }
  )
  // onlyGiven { PORT = instance.db_port; };

  # runtime/preload.js reads these. A pin changes with a release only, and is taken over then.
  pools =
    if instance.pools == null then
      { }
    else
      {
        POOLS_JSON_URL = "file:${instance.pools}/pools-v2.json";
        POOLS_JSON_TREE_URL = "file:${instance.pools}";
        AUTOMATIC_POOLS_UPDATE = true;
      };
in
{
  inherit network rereads;
  settings = mergeSettings [
    {
      MEMPOOL = {
        NETWORK = network;
        BACKEND = "electrum";
        HTTP_PORT = if instance.port == null then ofNetwork.httpPort else instance.port;
        CACHE_DIR = "/var/cache/mempool-${name}";
        # The journal has the priorities.
        STDOUT_LOG_MIN_PRIORITY = "info";
      }
      // pools;
      CORE_RPC = {
        HOST = "127.0.0.1";
        PORT = ofNetwork.rpcPort;
      }
      // credentials;
      ELECTRUM = {
        HOST = "127.0.0.1";
        PORT = ofNetwork.electrumPort;
        # electrs speaks plain TCP.
        TLS_ENABLED = false;
      };
      DATABASE = database;
      SYSLOG.ENABLED = false;
    }
    instance.beneath
    given
  ];
}
