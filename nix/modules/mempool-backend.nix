# `services.mempool-backend.<name>`: any number of backends beside each other.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  instances = config.services.mempool-backend;

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
    port = optional types.port "Port of its API on 127.0.0.1; the network's own where not given.";
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
  };

  evaluated = lib.mapAttrs (
    name: instance:
    let
      inherit (logic.backendSettings name instance) network;
      inherit (logic.seal name (logic.backendSettings name instance).settings) settings exposed;
      secrets = logic.secretsOf settings;
    in
    instance
    // {
      inherit settings network exposed;
      inherit (secrets) credentials;
      local = instance.db_host == null && settings.DATABASE.ENABLED;
      passwordFile = settings.DATABASE.PASSWORD._secret or null;
      template = pkgs.writeText "mempool-${name}-settings.json" (builtins.toJSON secrets.template);
    }
  ) instances;

  optionOf = name: "services.mempool-backend.${name}";
  modes = logic.buildModes (
    lib.mapAttrs' (
      name: instance: lib.nameValuePair (optionOf name) { inherit (instance) build package; }
    ) instances
  );
  inContainer = lib.filter (name: lib.elem (optionOf name) modes.container) (
    builtins.attrNames instances
  );
  container = config.services.mempool.container_build;
  builtPackage = instances.${lib.head inContainer}.package;

  withDatabase = lib.filterAttrs (_: instance: instance.local) evaluated;

  claims = lib.mapAttrs (_: claim: lib.mapAttrs (_: claim) evaluated) {
    "HTTP port" = instance: instance.settings.MEMPOOL.HTTP_PORT;
    "database" =
      instance: if instance.local then instance.settings.DATABASE.DATABASE else null;
    "database user" =
      instance: if instance.local then instance.settings.DATABASE.USERNAME else null;
  };
in
{
  options.services.mempool-backend = mkOption {
    type = types.attrsOf (types.submodule { options = instanceOptions; });
    default = { };
    description = "Backends of the mempool block explorer.";
  };

  config = lib.mkIf (instances != { }) {
    assertions =
      logic.clashes "services.mempool-backend" claims
      ++ modes.assertions
      ++ lib.mapAttrsToList (name: instance: {
        assertion = instance.db_psk == null || instance.db_psk_file == null;
        message = "services.mempool-backend.${name}: give db_psk or db_psk_file, not both.";
      }) instances
      ++ lib.mapAttrsToList (name: instance: {
        assertion =
          instance.passwordFile != null || instance.settings.DATABASE.USERNAME == "mempool-${name}";
        message = "services.mempool-backend.${name}: without db_psk_file the backend logs in as who it is, mempool-${name}. Leave db_user out, or give a db_psk_file.";
      }) withDatabase;

    warnings =
      modes.warnings
      ++ lib.concatLists (
        lib.mapAttrsToList (
          name: instance:
          map (
            place:
            "services.mempool-backend.${name}: ${place} can be read by everybody on the machine: it is in the Nix store. Give ${
              if place == "DATABASE.PASSWORD" then "db_psk_file" else "it as { _secret = \"/path\"; } in settings"
            } instead."
          ) instance.exposed
        ) evaluated
      );

    services.mempool.container_build.projects = lib.mkIf (inContainer != [ ]) {
      mempool-backend = builtPackage.containerBuild // {
        inherit (builtPackage) nodejs;
        units = map (name: "mempool-${name}.service") inContainer;
      };
    };

    services.mysql = lib.mkIf (withDatabase != { }) {
      enable = true;
      package = lib.mkDefault pkgs.mariadb;
    };

    systemd.services =
      lib.mapAttrs' (
        name: instance:
        lib.nameValuePair "mempool-${name}" (
          logic.backendUnit {
            inherit name;
            inherit (instance)
              package
              template
              credentials
              memory_limit
              after
              ;
            boundTo = instance.bound_to;
            result =
              if lib.elem name inContainer then "${container.result_dir}/mempool-backend/current" else null;
            inherit (instance.package) nodejs;
            writeConfig = ./runtime/write-config.js;
          }
        )
      ) evaluated
      // lib.mapAttrs' (
        name: instance:
        lib.nameValuePair "mempool-${name}-database" (
          logic.databaseUnit {
            inherit name;
            inherit (instance) passwordFile;
            script = ./runtime/database.sh;
            shell = pkgs.runtimeShell;
            client = config.services.mysql.package;
            database = instance.settings.DATABASE.DATABASE;
            user = instance.settings.DATABASE.USERNAME;
          }
        )
      ) withDatabase;

    users = {
      users = lib.mapAttrs' (
        name: _:
        lib.nameValuePair "mempool-${name}" {
          isSystemUser = true;
          group = "mempool-${name}";
          description = "mempool backend, ${name}";
        }
      ) instances;
      groups = lib.mapAttrs' (name: _: lib.nameValuePair "mempool-${name}" { }) instances;
    };
  };
}
