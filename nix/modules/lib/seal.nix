# Settings whose passwords are files: one that was given as text becomes a file in the store, which
# anybody on the machine can read, but which no derivation and no unit repeats.
#
# Type: seal :: instance name -> settings -> { settings, exposed }
#
# exposed: where there was text, such as "DATABASE.PASSWORD".
#
# Example:
#   seal "mainnet" { DATABASE.PASSWORD = "x"; }
#   => { settings.DATABASE.PASSWORD._secret = "/nix/store/…"; exposed = [ "DATABASE.PASSWORD" ]; }
name: settings:
let
  secrets = [
    [
      "CORE_RPC"
      "PASSWORD"
    ]
    [
      "DATABASE"
      "PASSWORD"
    ]
    [
      "FIAT_PRICE"
      "API_KEY"
    ]
    [
      "SECOND_CORE_RPC"
      "PASSWORD"
    ]
    [
      "SOCKS5PROXY"
      "PASSWORD"
    ]
  ];

  valueAt = path: (settings.${builtins.head path} or { }).${builtins.elemAt path 1} or "";
  isText = path: builtins.isString (valueAt path) && valueAt path != "";
  exposed = builtins.filter isText secrets;

  sealed =
    path:
    let
      section = builtins.head path;
      key = builtins.elemAt path 1;
    in
    {
      ${section}.${key}._secret = builtins.toFile "mempool-${name}-${section}-${key}" (valueAt path);
    };
in
{
  settings = import ./merge.nix ([ settings ] ++ map sealed exposed);
  exposed = map (builtins.concatStringsSep ".") exposed;
}
