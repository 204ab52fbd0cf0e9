# A network's whole chain, bitcoind → electrs → backend → frontend, from what they share.
#
# Type: chain :: network -> options -> { bitcoind, electrs, backend, frontend, rpcUsers, problems }
#
# options: those of `services.mempool.<network>`. Each part of the result is the options of its own
# module, or null where it runs elsewhere or not at all; `frontend` is `{ backend, esplora }`, the
# "host:port" of a backend elsewhere, and of an esplora server, or null. rpcUsers: users of
# bitcoind's RPC to make -> their calls; null where a file with a user is given. problems: messages.
#
# Example:
#   (chain "signet" { electrs.address = "electrs.example"; … }).electrs
#   => null
network: options:
let
  ofNetwork = (import ./networks.nix).${network};
  inherit (options)
    bitcoind
    electrs
    backend
    frontend
    ;

  bareHost = import ./bare-host.nix;
  hostPort = import ./host-port.nix;

  orDefault = value: default: if value == null then default else value;
  # Without brackets, as mempool wants it; and with them, where a port follows.
  host = part: bareHost (orDefault part.address "127.0.0.1");
  at = part: hostPort (host part);

  rpcPort = orDefault bitcoind.rpc_port ofNetwork.rpcPort;
  p2pPort = orDefault bitcoind.p2p_port ofNetwork.p2pPort;
  electrumPort = orDefault electrs.port ofNetwork.electrumPort;
  httpPort = orDefault backend.port ofNetwork.httpPort;

  local = part: part.address == null;
  localElectrs = local electrs && options.esplora == null;
  bitcoindUnits = if local bitcoind then [ "bitcoind-${network}.service" ] else [ ];

  # Users of their own, where bitcoind is made here and no other file is given.
  restricted = local bitcoind && options.cookie_file == null;
  secrets = "/var/lib/mempool-rpc/${network}";
  cookie = orDefault options.cookie_file "/nonexistent";
  asksBitcoind = localElectrs || local backend;
in
{
  bitcoind =
    if !(local bitcoind) then
      null
    else
      {
        enable = true;
        dataDir = bitcoind.data_dir;
        testnet = network == "testnet";
        port = p2pPort;
        rpc.port = rpcPort;
        # Any transaction can be asked for.
        extraConfig =
          (
            if ofNetwork.section == null || network == "testnet" then "" else "${ofNetwork.section}=1\n"
          )
          + "txindex=1\n"
          + (if restricted then "includeconf=${secrets}/bitcoin.conf\n" else "");
      };

  electrs =
    if !localElectrs then
      null
    else
      {
        inherit network;
        inherit (electrs) db_dir;
        cookie_file = if restricted then "${secrets}/electrs.cookie" else cookie;
        rpc_listen = "127.0.0.1:${toString electrumPort}";
        daemon_rpc = at bitcoind rpcPort;
        daemon_p2p = at bitcoind p2pPort;
        bound_to = bitcoindUnits;
      };

  backend =
    if !(local backend) then
      null
    else
      {
        inherit network;
        port = httpPort;
        # It waits for them, and outlives their restarts.
        after = bitcoindUnits ++ (if localElectrs then [ "electrs-${network}.service" ] else [ ]);
        settings = {
          CORE_RPC = {
            HOST = host bitcoind;
            PORT = rpcPort;
          };
        }
        // (
          if options.esplora == null then
            {
              MEMPOOL.BACKEND = "electrum";
              ELECTRUM = {
                HOST = host electrs;
                PORT = electrumPort;
                TLS_ENABLED = electrs.tls;
              };
            }
          else
            {
              MEMPOOL.BACKEND = "esplora";
              ESPLORA.REST_API_URL = "http://${options.esplora}";
            }
        );
      }
      // (
        if restricted then
          {
            rpc_user = "mempool";
            rpc_password_file = "${secrets}/mempool.password";
          }
        else
          { cookie_file = cookie; }
      );

  rpcUsers =
    if restricted then { inherit (import ./rpc-calls.nix) mempool electrs; } else null;

  frontend =
    if frontend.enable then
      {
        backend = if local backend then null else at backend httpPort;
        inherit (options) esplora;
      }
    else
      null;

  problems =
    if options.cookie_file == null && !(local bitcoind) && asksBitcoind then
      [
        "services.mempool.${network}: bitcoind is at ${bitcoind.address}, so cookie_file must name a file with user:password of its RPC."
      ]
    else
      [ ];
}
