# `services.mempool-backend.<name>`: any number of backends beside each other.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  logic = import ./lib;
  instances = config.services.mempool-backend;

  evaluated = lib.mapAttrs (
    name: instance:
    let
      chosen = logic.backendSettings name (
        instance
        // {
          pools = if instance.pools == "pinned" then instance.package.pools or null else null;
          beneath = logic.mergeSettings [
            config.services.mempool.socks_proxy
            lightning.settings
          ];
        }
      );
      lightning = logic.lightning name instance.lightning;
      sealed = logic.seal name chosen.settings;
      inherit (sealed) settings;
      secrets = logic.secretsOf settings;
    in
    instance
    // {
      inherit (chosen) network rereads;
      inherit (sealed) exposed;
      inherit settings;
      credentials = secrets.credentials // lightning.credentials;
      inherit (lightning) groups;
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

  withCookie = lib.filterAttrs (_: instance: instance.cookie_file != null) evaluated;
  healthUnits = lib.mapAttrs (
    name: instance:
    logic.healthUnits {
      inherit name;
      inherit (instance.health_check) interval failures;
      url = "http://${
        logic.hostPort (logic.reachableHost instance.address) instance.settings.MEMPOOL.HTTP_PORT
      }/api/v1/backend-info";
      shell = pkgs.runtimeShell;
      script = ./runtime/health.sh;
      path = [
        pkgs.coreutils
        pkgs.curl
        config.systemd.package
      ];
    }
  ) (lib.filterAttrs (_: instance: instance.health_check.enable) evaluated);

  userName = logic.userName "mempool";
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
  options.services.mempool-backend = lib.mkOption {
    type = lib.types.attrsOf (
      lib.types.submodule { options = import ./backend-options.nix { inherit config lib pkgs; }; }
    );
    default = { };
    description = "Backends of the mempool block explorer.";
  };

  config = lib.mkIf (instances != { }) {
    assertions =
      logic.clashes "services.mempool-backend" claims
      ++ lib.mapAttrsToList (name: instance: {
        assertion = instance.lightning.lnd == null || instance.lightning.cln == null;
        message = "services.mempool-backend.${name}.lightning: give lnd or cln, not both.";
      }) instances
      ++ modes.assertions
      ++ lib.mapAttrsToList (name: instance: {
        assertion = instance.db_psk == null || instance.db_psk_file == null;
        message = "services.mempool-backend.${name}: give db_psk or db_psk_file, not both.";
      }) instances
      ++ lib.mapAttrsToList (name: instance: {
        assertion =
          instance.passwordFile != null || instance.settings.DATABASE.USERNAME == userName name;
        message = "services.mempool-backend.${name}: without db_psk_file the backend logs in as the user that it runs as, ${userName name}. Leave db_user out, or give a db_psk_file.";
      }) withDatabase
      ++ lib.mapAttrsToList (
        name: instance:
        let
          inherit (logic.networks.${instance.network}) since;
        in
        {
          assertion = lib.versionAtLeast instance.package.version since;
          message = "services.mempool-backend.${name}: mempool ${instance.package.version} does not know ${instance.network}, which came with ${since}. Set services.mempool.release to that or a newer one.";
        }
      ) evaluated;

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

    services.mempool.local_backends = lib.mapAttrs' (
      _: instance:
      lib.nameValuePair instance.network (
        logic.hostPort (logic.reachableHost instance.address) instance.settings.MEMPOOL.HTTP_PORT
      )
    ) evaluated;

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
              address
              template
              credentials
              memory_limit
              after
              groups
              ;
            boundTo =
              instance.bound_to
              ++ lib.optional (withCookie ? ${name} && !instance.rereads) "mempool-${name}-cookie.service";
            result =
              if lib.elem name inContainer then "${container.result_dir}/mempool-backend/current" else null;
            inherit (instance.package) nodejs;
            preload = ./runtime/preload.js;
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
            socket = instance.settings.DATABASE.SOCKET;
          }
        )
      ) withDatabase
      // lib.mapAttrs' (
        name: instance:
        lib.nameValuePair "mempool-${name}-cookie" (
          logic.cookieUnit {
            inherit name;
            inherit (instance) cookie_file rereads;
            user = userName name;
            shell = pkgs.runtimeShell;
            script = ./runtime/cookie.sh;
            path = [ pkgs.coreutils ];
          }
        )
      ) withCookie
      // lib.mapAttrs' (
        name: units: lib.nameValuePair "mempool-${name}-health" units.service
      ) healthUnits;
    systemd.timers = lib.mapAttrs' (
      name: units: lib.nameValuePair "mempool-${name}-health" units.timer
    ) healthUnits;

    users = {
      users = lib.mapAttrs' (
        name: _:
        lib.nameValuePair (userName name) {
          isSystemUser = true;
          group = userName name;
          description = "mempool backend, ${name}";
        }
      ) instances;
      groups = lib.mapAttrs' (name: _: lib.nameValuePair (userName name) { }) instances;
    };
  };
}
