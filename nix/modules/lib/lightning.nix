# What a backend needs of a Lightning node beside it.
#
# Type: lightning :: instance name -> { lnd ? null, cln ? null }
#   -> { settings, credentials, groups }
#
# lnd: { rest_url, macaroon_file, certificate_file }. cln: { socket, group }. settings: the
# backend's. credentials: name -> file, which systemd hands over, whoever owns it. groups: those
# that the backend must be in.
name:
{
  lnd ? null,
  cln ? null,
}:
let
  handed = credential: "/run/credentials/mempool-${name}.service/${credential}";
in
if lnd != null then
  {
    settings = {
      LIGHTNING = {
        ENABLED = true;
        BACKEND = "lnd";
      };
      LND = {
        REST_API_URL = lnd.rest_url;
        MACAROON_PATH = handed "LND.MACAROON";
        TLS_CERT_PATH = handed "LND.TLS_CERT";
      };
    };
    credentials = {
      "LND.MACAROON" = lnd.macaroon_file;
      "LND.TLS_CERT" = lnd.certificate_file;
    };
    groups = [ ];
  }
else if cln != null then
  {
    settings = {
      LIGHTNING = {
        ENABLED = true;
        BACKEND = "cln";
      };
      CLIGHTNING.SOCKET = cln.socket;
    };
    credentials = { };
    groups = [ cln.group ];
  }
else
  {
    settings = { };
    credentials = { };
    groups = [ ];
  }
