# An electrs instance's systemd unit.
#
# Type: electrsUnit :: { name, package, instance, boundTo ? [ ] } -> unit
#
# package: with `version`. instance: the module's options. boundTo: units to restart with: bitcoind
# writes another cookie at each start.
{
  name,
  package,
  instance,
  boundTo ? [ ],
}:
let
  networks = import ./networks.nix;
  # The seed of these options writes networks as electrs does.
  network = if instance.network == "bitcoin" then "mainnet" else instance.network;
  ofNetwork = networks.${network};
  user = import ./user-name.nix "electrs" name;

  quote = import ./quote.nix;
  # It learned to get blocks from its peer in 0.9, and forgot how to read them from files.
  readsBlocks = builtins.compareVersions package.version "0.9" < 0;
in
{
  description = "electrs, ${name}";
  wantedBy = [ "multi-user.target" ];
  wants = [ "network-online.target" ];
  after = [ "network-online.target" ] ++ boundTo;
  partOf = boundTo;
  startLimitIntervalSec = 0;
  serviceConfig =
    import ./hardening.nix
    // {
      ExecStart = builtins.concatStringsSep " " (
        [
          "${package}/bin/electrs"
          "--skip-default-conf-files"
          "--network ${ofNetwork.electrs}"
          "--db-dir ${quote instance.db_dir}"
          "--cookie-file %d/cookie"
          "--daemon-rpc-addr ${quote (
            if instance.daemon_rpc == null then "127.0.0.1:${toString ofNetwork.rpcPort}" else instance.daemon_rpc
          )}"
          "--electrum-rpc-addr ${quote (
            if instance.rpc_listen == null then
              "127.0.0.1:${toString ofNetwork.electrumPort}"
            else
              instance.rpc_listen
          )}"
        ]
        ++ (
          if readsBlocks then
            (if instance.blocks_dir == null then [ ] else [ "--blocks-dir ${quote instance.blocks_dir}" ])
          else
            [
              "--daemon-p2p-addr ${quote (
                if instance.daemon_p2p == null then "127.0.0.1:${toString ofNetwork.p2pPort}" else instance.daemon_p2p
              )}"
            ]
        )
        ++ (
          if instance.monitoring_address == null then
            [ ]
          else
            [ "--monitoring-addr ${quote instance.monitoring_address}" ]
        )
        ++ map quote instance.extra_arguments
      );
      User = user;
      Group = user;
      LoadCredential = [ "cookie:${instance.cookie_file}" ];
      ReadWritePaths = [ instance.db_dir ];
      MemoryMax = "${toString instance.memory_limit}M";
      Restart = "always";
      RestartSec = 10;
      # Its database keeps thousands of files open.
      LimitNOFILE = 8192;
    };
}
