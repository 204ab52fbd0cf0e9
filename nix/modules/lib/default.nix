# What the modules decide, as pure functions on plain values: nothing here needs nixpkgs.
#
# One file, one function; tests/nix/modules evaluates them alone.
{
  networks = import ./networks.nix;
  userName = import ./user-name.nix;
  hostPort = import ./host-port.nix;
  bareHost = import ./bare-host.nix;
  reachableHost = import ./reachable-host.nix;
  parseRawConfig = import ./raw-config.nix;
  mergeSettings = import ./merge.nix;
  backendSettings = import ./backend-settings.nix;
  seal = import ./seal.nix;
  secretsOf = import ./secrets.nix;
  buildModes = import ./build-modes.nix;
  buildSlice = import ./build-slice.nix;
  containerBuildUnit = import ./container-build-unit.nix;
  backendUnit = import ./backend-unit.nix;
  cookieUnit = import ./cookie-unit.nix;
  databaseUnit = import ./database-unit.nix;
  healthUnits = import ./health-units.nix;
  tor = import ./tor.nix;
  lightning = import ./lightning.nix;
  rpcCalls = import ./rpc-calls.nix;
  rpcUsersUnit = import ./rpc-users-unit.nix;
  electrsUnit = import ./electrs-unit.nix;
  rootNetwork = import ./root-network.nix;
  frontendConfig = import ./frontend-config.nix;
  nginx = import ./nginx.nix;
  clashes = import ./clashes.nix;
  chain = import ./chain.nix;
  cacheServer = import ./cache-server.nix;
  cacheUnits = import ./cache-units.nix;
}
