# The networks that a backend serves, and what belongs to each by default.
#
# httpPort: the backend's. electrumPort: electrs'. rpcPort, p2pPort: bitcoind's. section: of
# bitcoin.conf, null for the main one. dataDir: below bitcoind's. electrs: its name for the network.
# prefix: of the web pages' and the API's paths. flag: the pages' setting that shows the network.
# since: the first release of mempool that knows it.
{
  mainnet = {
    httpPort = 8999;
    electrumPort = 50001;
    rpcPort = 8332;
    p2pPort = 8333;
    section = null;
    dataDir = "";
    electrs = "bitcoin";
    prefix = "";
    flag = "MAINNET_ENABLED";
    database = "mempool";
    since = "2.0.0";
  };
  testnet = {
    httpPort = 8997;
    electrumPort = 60001;
    rpcPort = 18332;
    p2pPort = 18333;
    section = "test";
    dataDir = "/testnet3";
    electrs = "testnet";
    prefix = "/testnet";
    flag = "TESTNET_ENABLED";
    database = "mempool_testnet";
    since = "2.0.0";
  };
  signet = {
    httpPort = 8995;
    electrumPort = 60601;
    rpcPort = 38332;
    p2pPort = 38333;
    section = "signet";
    dataDir = "/signet";
    electrs = "signet";
    prefix = "/signet";
    flag = "SIGNET_ENABLED";
    database = "mempool_signet";
    since = "2.0.0";
  };
  testnet4 = {
    httpPort = 8990;
    electrumPort = 40001;
    rpcPort = 48332;
    p2pPort = 48333;
    section = "testnet4";
    dataDir = "/testnet4";
    electrs = "testnet4";
    prefix = "/testnet4";
    flag = "TESTNET4_ENABLED";
    database = "mempool_testnet4";
    since = "3.2.0";
  };
  regtest = {
    httpPort = 8989;
    electrumPort = 60401;
    rpcPort = 18443;
    p2pPort = 18444;
    section = "regtest";
    dataDir = "/regtest";
    electrs = "regtest";
    prefix = "/regtest";
    flag = "REGTEST_ENABLED";
    database = "mempool_regtest";
    since = "3.3.0";
  };
}
