# What keeps a service from the network but for Tor's proxy on this machine.
#
# Type: tor :: { socks, enforce, allow } -> { settings, serviceConfig, bitcoind }
#
# socks: { HOST, PORT } of the proxy. enforce: whether nothing else can be reached. allow:
# addresses that can be reached all the same, such as a bitcoind elsewhere. settings: a backend's.
# serviceConfig: of the unit. bitcoind: lines of its configuration.
{
  socks,
  enforce,
  allow,
}:
{
  settings.SOCKS5PROXY = {
    ENABLED = true;
    USE_ONION = true;
  }
  // socks;
  serviceConfig =
    if enforce then
      {
        IPAddressDeny = [ "any" ];
        IPAddressAllow = [ "localhost" ] ++ allow;
      }
    else
      { };
  # A proxy alone would turn listening off, and electrs is a peer.
  bitcoind = ''
    proxy=${import ./host-port.nix socks.HOST socks.PORT}
    listen=1
    listenonion=0
    discover=0
  '';
}
