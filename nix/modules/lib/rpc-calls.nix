# The calls of bitcoind's RPC that each of its clients makes, and may make: they read, and send
# transactions that somebody else signed.
#
# mempool: those in the sources of 2.5.1, 3.2.1 and 3.3.1. electrs: of the Electrum servers.
let
  common = [
    "estimatesmartfee"
    "getbestblockhash"
    "getblock"
    "getblockchaininfo"
    "getblockcount"
    "getblockhash"
    "getblockheader"
    "getindexinfo"
    "getmempoolentry"
    "getmempoolinfo"
    "getnetworkinfo"
    "getrawmempool"
    "getrawtransaction"
    "gettxout"
    "sendrawtransaction"
    "submitpackage"
    "testmempoolaccept"
  ];
in
{
  mempool = common ++ [
    "decoderawtransaction"
    "getblockstats"
    "getchaintips"
    "getdifficulty"
    "getmempoolancestors"
    "getnetworkhashps"
    "gettxoutsetinfo"
    "validateaddress"
  ];
  electrs = common ++ [
    "getzmqnotifications"
    "uptime"
  ];
}
