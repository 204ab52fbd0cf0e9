# The unit that makes bitcoind's RPC users before bitcoind starts: a password for each, at the first
# start, and the part of bitcoind's configuration that has their hashes and what they may call.
#
# Type: rpcUsersUnit :: { network, bitcoind, group, nodejs, script, users } -> unit
#
# bitcoind: its unit. group: that of bitcoind, which reads the configuration. users: name -> calls.
{
  network,
  bitcoind,
  group,
  nodejs,
  script,
  users,
}:
{
  description = "RPC users of bitcoind, ${network}";
  requiredBy = [ bitcoind ];
  before = [ bitcoind ];
  environment.RPC_USERS = builtins.toJSON users;
  serviceConfig =
    import ./hardening.nix
    // {
      Type = "oneshot";
      RemainAfterExit = true;
      Group = group;
      StateDirectory = "mempool-rpc/${network}";
      # bitcoind enters it; the passwords are root's.
      StateDirectoryMode = "0711";
      ExecStart = "${nodejs}/bin/node ${script}";
      PrivateNetwork = true;
    };
}
