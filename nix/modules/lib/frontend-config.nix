# The two scripts that the pages load their settings from.
#
# Type: frontendConfig :: { version, commit, enabled, settings ? { }, customize ? { } }
#   -> { config, customize }
#
# enabled: names of the networks to show. settings: over what follows from that. customize: as
# mempool's own custom-*-config.json files have it. Each of the result is a script's text.
#
# Example:
#   (frontendConfig { version = "3.3.1"; commit = "9332d9d"; enabled = [ "mainnet" ]; }).config
#   => "window.__env = Object.assign(window.__env || {}, {…\"MAINNET_ENABLED\":true…});\n"
{
  version,
  commit,
  enabled,
  settings ? { },
  customize ? { },
}:
let
  networks = import ./networks.nix;

  flags = builtins.listToAttrs (
    map (network: {
      name = networks.${network}.flag;
      value = builtins.elem network enabled;
    }) (builtins.attrNames networks)
  );

  rootNetwork = import ./root-network.nix enabled;
  root = if rootNetwork == "mainnet" then { } else { ROOT_NETWORK = rootNetwork; };
in
{
  config = "window.__env = Object.assign(window.__env || {}, ${
    builtins.toJSON (
      flags
      // root
      // {
        GIT_COMMIT_HASH = commit;
        PACKAGE_JSON_VERSION = version;
      }
      // settings
    )
  });\n";
  customize =
    if customize == { } then
      ""
    else
      "window.__env = window.__env || {};\nwindow.__env.customize = ${builtins.toJSON customize};\n";
}
