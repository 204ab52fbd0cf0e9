# `services.electrs.<name>`: Electrum servers.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  instances = config.services.electrs;
  userName = logic.userName "electrs";

  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };

  instanceOptions = {
    package = mkOption {
      type = types.package;
      default = pkgs.electrs;
      defaultText = lib.literalExpression "pkgs.electrs";
      description = "The package of electrs.";
    };
    network = mkOption {
      type = types.enum ([ "bitcoin" ] ++ builtins.attrNames logic.networks);
      default = "mainnet";
      description = "Its network.";
    };
    db_dir = mkOption {
      type = types.str;
      description = "Directory of its index.";
    };
    cookie_file = mkOption {
      type = types.str;
      description = "File with `user:password` of bitcoind's RPC, such as bitcoind's own `.cookie`.";
    };
    blocks_dir = optional types.str "bitcoind's blocks, which electrs before 0.9 reads; newer ones ask bitcoind for them.";
    rpc_listen = optional types.str "Address and port to serve at; 127.0.0.1 and the network's own port where not given.";
    daemon_rpc = optional types.str "Address and port of bitcoind's RPC; on this machine where not given.";
    daemon_p2p = optional types.str "Address and port of bitcoind as a peer; on this machine where not given.";
    monitoring_address = optional types.str "Address and port of its metrics, for Prometheus; electrs' own choice on this machine where not given.";
    extra_arguments = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "More arguments.";
    };
    memory_limit = mkOption {
      type = types.ints.positive;
      default = 8192;
      description = "What it may use, in MiB.";
    };
    bound_to = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Units to restart with.";
    };
  };

  listensAt =
    instance:
    if instance.rpc_listen != null then
      instance.rpc_listen
    else
      "127.0.0.1:${
        toString
          logic.networks.${if instance.network == "bitcoin" then "mainnet" else instance.network}.electrumPort
      }";
in
{
  options.services.electrs = mkOption {
    type = types.attrsOf (types.submodule { options = instanceOptions; });
    default = { };
    description = "Electrum servers.";
  };

  config = lib.mkIf (instances != { }) {
    assertions = logic.clashes "services.electrs" {
      "address" = lib.mapAttrs (_: listensAt) instances;
      "database directory" = lib.mapAttrs (_: instance: instance.db_dir) instances;
    };

    systemd.services = lib.mapAttrs' (
      name: instance:
      lib.nameValuePair "electrs-${name}" (
        logic.electrsUnit {
          inherit name instance;
          inherit (instance) package;
          boundTo = instance.bound_to;
        }
      )
    ) instances;

    systemd.tmpfiles.rules = lib.mapAttrsToList (
      name: instance: "d '${instance.db_dir}' 0700 '${userName name}' '${userName name}' - -"
    ) instances;

    users = {
      users = lib.mapAttrs' (
        name: _:
        lib.nameValuePair (userName name) {
          isSystemUser = true;
          group = userName name;
          description = "electrs, ${name}";
        }
      ) instances;
      groups = lib.mapAttrs' (name: _: lib.nameValuePair (userName name) { }) instances;
    };
  };
}
