# A network's whole chain, bitcoind → electrs → backend → frontend, from what they share.
#
# Type: chain :: network -> options -> { bitcoind, electrs, backend, frontend, problems }
#
# options: those of `services.mempool.<network>`. Each part of the result is the options of its own
# module, or null where it runs elsewhere or not at all; `frontend` is `{ backend }`, the "host:port"
# of a backend elsewhere, or null. problems: messages.
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
  bitcoindUnits = if local bitcoind then [ "bitcoind-${network}.service" ] else [ ];

  cookie = orDefault options.cookie_file (
    if local bitcoind then "${bitcoind.data_dir}${ofNetwork.dataDir}/.cookie" else "/nonexistent"
  );
  asksBitcoind = local electrs || local backend;
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
          + "txindex=1\n";
      };

  electrs =
    if !(local electrs) then
      null
    else
      {
        inherit network;
        inherit (electrs) db_dir;
        cookie_file = cookie;
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
        cookie_file = cookie;
        bound_to = bitcoindUnits;
        after = if local electrs then [ "electrs-${network}.service" ] else [ ];
        settings = {
          MEMPOOL.BACKEND = "electrum";
          CORE_RPC = {
            HOST = host bitcoind;
            PORT = rpcPort;
          };
          ELECTRUM = {
            HOST = host electrs;
            PORT = electrumPort;
            TLS_ENABLED = electrs.tls;
          };
        };
      };

  frontend =
    if frontend.enable then
      { backend = if local backend then null else at backend httpPort; }
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
