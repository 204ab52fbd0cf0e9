# The options of a backend.
#
# Type: backendOptions :: { config, lib, pkgs } -> option name -> option
{ config, lib, pkgs }:
let
  inherit (lib) mkOption types;

  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };
in
{
  package = mkOption {
    type = types.package;
    default = config.services.mempool.packages.mempool-backend;
    defaultText = lib.literalExpression "config.services.mempool.packages.mempool-backend";
    description = "The backend's package.";
  };
  build = import ./build-option.nix lib {
    default = config.services.mempool.build;
    defaultText = lib.literalExpression "config.services.mempool.build";
    description = "Where it is built; see `services.mempool.build`.";
  };
  network = optional types.str "Its network. Where not given: `MEMPOOL.NETWORK` of its settings, or its name.";
  address = mkOption {
    type = types.str;
    default = "127.0.0.1";
    example = "::1";
    description = ''
      Where its API listens. Whoever reaches it there reaches `/api/v1/internal/` too, which nginx
      hides: open it to nginx alone.
    '';
  };
  port = optional types.port "Port of its API; the network's own where not given.";
  pools = mkOption {
    type = types.enum [
      "pinned"
      "online"
    ];
    default = "pinned";
    description = ''
      Where the list of mining pools comes from. `pinned`: from the package; it changes with a
      release of this project, and the backend takes the change over by itself
      (`AUTOMATIC_POOLS_UPDATE`). `online`: from mempool's repository, at the first start and then
      weekly, as mempool's own settings have it; without network access the first start fails.
    '';
  };
  config = optional types.lines ''
    Settings as JSON, with or without the outermost braces. They end up in the Nix store: no
    secrets here.
  '';
  settings = mkOption {
    type = types.attrsOf types.anything;
    default = { };
    example = lib.literalExpression ''{ MEMPOOL.INDEXING_BLOCKS_AMOUNT = -1; FIAT_PRICE.API_KEY._secret = "/run/keys/fiat"; }'';
    description = ''
      Settings as mempool-config.json has them, over those in `config`. `{ _secret = "/path"; }`
      stands for what is in that file when the service starts.
    '';
  };
  db_name = optional types.str "Name of its database; the network's own where not given.";
  db_user = optional types.str "User of the database; `mempool-<name>` where not given.";
  db_psk = optional types.str ''
    The user's password. Anybody on the machine can read it in the Nix store: use `db_psk_file`,
    or neither, and the backend logs in over the socket as who it is.
  '';
  db_psk_file = optional types.str "File with the user's password, outside the store.";
  db_host = optional types.str "Where the database is, if not on this machine. It is not made then.";
  db_port = optional types.port "Its port, if not the usual one.";
  db_socket = mkOption {
    type = types.str;
    default = "/run/mysqld/mysqld.sock";
    description = "The database's socket on this machine.";
  };
  cookie_file = optional types.str "File with `user:password` of bitcoind's RPC, such as bitcoind's own `.cookie`.";
  rpc_user = optional types.str "User of bitcoind's RPC, where there is no `cookie_file`.";
  rpc_password_file = optional types.str "File with that user's password.";
  lightning = {
    lnd = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            rest_url = mkOption {
              type = types.str;
              default = "https://localhost:8080";
              description = "Address of LND's REST interface.";
            };
            macaroon_file = mkOption {
              type = types.str;
              example = "/var/lib/lnd/data/chain/bitcoin/mainnet/readonly.macaroon";
              description = "LND's macaroon; the one that may read is enough.";
            };
            certificate_file = mkOption {
              type = types.str;
              example = "/var/lib/lnd/tls.cert";
              description = "LND's certificate.";
            };
          };
        }
      );
      default = null;
      description = ''
        An LND whose view of the Lightning network is shown. systemd hands its files to the backend,
        whoever owns them. The pages show it where `services.mempool-frontend.settings.LIGHTNING` is
        true.
      '';
    };
    cln = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            socket = mkOption {
              type = types.str;
              example = "/var/lib/clightning/bitcoin/lightning-rpc";
              description = "Core Lightning's socket.";
            };
            group = mkOption {
              type = types.str;
              example = "clightning";
              description = "The group that may use it, in which the backend is then.";
            };
          };
        }
      );
      default = null;
      description = "A Core Lightning whose view of the Lightning network is shown.";
    };
  };
  health_check = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether a backend that answered since its start, and answers no longer, is restarted.
      '';
    };
    interval = mkOption {
      type = types.ints.positive;
      default = 60;
      description = "Seconds between two looks.";
    };
    failures = mkOption {
      type = types.ints.positive;
      default = 3;
      description = "How many looks in a row must fail.";
    };
  };
  memory_limit = mkOption {
    type = types.ints.positive;
    default = 8192;
    description = "What it may use, in MiB.";
  };
  after = mkOption {
    type = types.listOf types.str;
    default = [ ];
    description = "Units to start after.";
  };
  bound_to = mkOption {
    type = types.listOf types.str;
    default = [ ];
    description = "Units to restart with.";
  };
}
