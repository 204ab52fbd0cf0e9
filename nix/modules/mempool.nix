# `services.mempool.<network>.enable`: the whole chain of a network at once.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  cfg = config.services.mempool;

  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };
  address = what: optional types.str "Address of ${what} that runs elsewhere; none is set up then.";

  networkOptions = network: {
    enable = lib.mkEnableOption "bitcoind, electrs, mempool's backend and its pages, for ${network}";
    cookie_file = optional types.str ''
      File with `user:password` of bitcoind's RPC, such as its own cookie. Where none is given, the
      backend and the Electrum server get users of their own, made at the first start, which may make
      the calls that they need and no others.
    '';
    bitcoind = {
      address = address "a bitcoind";
      rpc_port = optional types.port "Port of its RPC, if not the usual one.";
      p2p_port = optional types.port "Port for peers, if not the usual one.";
      data_dir = mkOption {
        type = types.str;
        default = "/var/lib/bitcoind-${network}";
        description = "Its data.";
      };
    };
    electrs = {
      address = address "an Electrum server";
      port = optional types.port "Its port, if not the usual one.";
      tls = mkOption {
        type = types.bool;
        default = false;
        description = "Whether it speaks TLS.";
      };
      db_dir = mkOption {
        type = types.str;
        default = "/var/lib/electrs-${network}";
        description = "Its index.";
      };
    };
    esplora = optional types.str ''
      Address and port of an esplora server (Blockstream's electrs), which the backend and the pages use
      in the place of an Electrum server; none of these is set up then.
    '';
    backend = {
      address = address "a backend";
      port = optional types.port "Its port, if not the usual one.";
    };
    frontend.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the pages show it.";
    };
  };

  networks = lib.filter (network: cfg.${network}.enable) (builtins.attrNames logic.networks);
  chains = lib.genAttrs networks (network: logic.chain network cfg.${network});
  present = part: lib.filterAttrs (_: options: options != null) (
    lib.mapAttrs (_: chain: chain.${part}) chains
  );

  # Whoever sets an option of a part itself has the last word.
  asDefaults = lib.mapAttrsRecursive (_: lib.mkDefault);
  shown = present "frontend";
in
{
  options.services.mempool = lib.mapAttrs (network: _: networkOptions network) logic.networks;

  config = lib.mkIf (networks != [ ]) {
    assertions = lib.concatMap (
      chain:
      map (message: {
        assertion = false;
        inherit message;
      }) chain.problems
    ) (builtins.attrValues chains)
    ++ map (
      network:
      let
        prune = config.services.bitcoind.${network}.prune or null;
      in
      {
        assertion = lib.elem prune [
          null
          0
          "disable"
        ];
        message = "services.bitcoind.${network}.prune: mempool needs the index of all transactions (txindex), which a pruned bitcoind cannot have. Leave prune out, or set services.mempool.${network}.bitcoind.address to another bitcoind's.";
      }
    ) (builtins.attrNames (present "bitcoind"));

    systemd.services = lib.mapAttrs' (
      network: users:
      lib.nameValuePair "mempool-${network}-rpc-users" (
        logic.rpcUsersUnit {
          inherit network users;
          bitcoind = "bitcoind-${network}.service";
          group = config.services.bitcoind.${network}.group or "bitcoind-${network}";
          inherit (cfg.packages.mempool-backend) nodejs;
          script = ./runtime/rpc-users.js;
        }
      )
    ) (present "rpcUsers");
    services.bitcoind = lib.mapAttrs (
      _: options:
      asDefaults (removeAttrs options [ "extraConfig" ])
      // {
        # Before the user's lines: those may end in a section, in which bitcoind does not look for
        # its network.
        extraConfig = lib.mkOrder 100 options.extraConfig;
      }
    ) (present "bitcoind");
    services.electrs = lib.mapAttrs (_: asDefaults) (present "electrs");
    services.mempool-backend = lib.mapAttrs (_: asDefaults) (present "backend");
    services.mempool-frontend = lib.mkIf (shown != { }) (
      asDefaults (
        {
          enable = true;
          backends = lib.filterAttrs (_: address: address != null) (
            lib.mapAttrs (_: part: part.backend) shown
          );
          esplora = lib.filterAttrs (_: address: address != null) (
            lib.mapAttrs (_: part: part.esplora) shown
          );
        }
        // lib.mapAttrs' (network: _: lib.nameValuePair "${network}_enabled" (shown ? ${network})) logic.networks
      )
    );
  };
}
