# Settings without their secrets, and where these come from.
#
# Type: secretsOf :: settings -> { template, credentials }
#
# template: the settings; in the place of a secret stands `{ _credential = NAME; }`, and `_part`
# where it has one. credentials: NAME -> path of a file, for systemd's LoadCredential.
#
# Example:
#   secretsOf { DATABASE.PASSWORD = { _secret = "/run/keys/db"; }; }
#   => {
#        template.DATABASE.PASSWORD = { _credential = "DATABASE.PASSWORD"; };
#        credentials."DATABASE.PASSWORD" = "/run/keys/db";
#      }
settings:
let
  isSecret = value: builtins.isAttrs value && value ? _secret;

  blank =
    path: value:
    if isSecret value then
      { _credential = path; } // (if value ? _part then { inherit (value) _part; } else { })
    else if builtins.isAttrs value then
      builtins.mapAttrs (name: blank (if path == "" then name else "${path}.${name}")) value
    else
      value;

  collect =
    path: value:
    if isSecret value then
      [
        {
          name = path;
          value = toString value._secret;
        }
      ]
    else if builtins.isAttrs value then
      builtins.concatMap (name: collect (if path == "" then name else "${path}.${name}") value.${name}) (
        builtins.attrNames value
      )
    else
      [ ];
in
{
  template = blank "" settings;
  credentials = builtins.listToAttrs (collect "" settings);
}
