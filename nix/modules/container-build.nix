# `services.mempool.build`: where mempool is built; and `services.mempool.container_build`: how a
# container with network access builds what Nix cannot.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  logic = import ./lib;
  cfg = config.services.mempool.container_build;

  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };
  directory =
    default: description:
    mkOption {
      type = types.str;
      inherit default description;
    };

  # What `npm ci` and the scripts of packages run; node-gyp's own needs are --native's.
  tools = [
    pkgs.bash
    pkgs.coreutils
    pkgs.findutils
    pkgs.gawk
    pkgs.git
    pkgs.gnugrep
    pkgs.gnused
    pkgs.gnutar
    pkgs.gzip
  ];

  # For the program itself, and where it looks for the container's tools.
  pathFor =
    project:
    [
      project.nodejs
      config.nix.package
      config.systemd.package
      pkgs.bash
      pkgs.binutils
      pkgs.coreutils
      pkgs.getent
      pkgs.gnumake
      pkgs.gnused
      pkgs.python3
      pkgs.stdenv.cc
      pkgs.util-linux
    ]
    ++ lib.optional (cfg.runner == "bwrap") pkgs.bubblewrap;

  unitFor =
    name: project:
    lib.nameValuePair "${name}-build" (
      logic.containerBuildUnit {
        inherit name project;
        inherit (project) units;
        inherit (cfg) program;
        inherit (config.services.mempool) registry;
        options = cfg // {
          tools = tools ++ cfg.tools;
        };
        path = pathFor project;
      }
    );
in
{
  options.services.mempool = {
    build = import ./build-option.nix lib {
      default = "auto";
      description = ''
        Where backends and pages are built that do not say it themselves. `canonical`: by Nix, from
        fixed-output derivations; an evaluation error where the lock cannot be that. `container`: by
        the service `mempool-backend-build` or `mempool-frontend-build`, in a container with network
        access. `auto`: by Nix where that can be, else in a container, with a warning.
      '';
    };

    container_build = {
      program = mkOption {
        type = types.package;
        default = pkgs.callPackage ../package.nix { };
        defaultText = lib.literalMD "npm2nixlite, from this repository";
        description = "The package of npm2nixlite.";
      };
      runner = mkOption {
        type = types.enum [
          "nspawn"
          "bwrap"
        ];
        default = "nspawn";
        description = "What isolates a build: systemd-nspawn or bubblewrap.";
      };
      memory = mkOption {
        type = types.strMatching "[1-9][0-9]*[KMGT]?";
        default = "8G";
        description = "What a build may use. One that wants more is ended.";
      };
      cpus = optional types.ints.positive "How many CPUs a build may use; all where not given.";
      time_limit = mkOption {
        type = types.ints.positive;
        default = 7200;
        description = "Seconds after which a build is ended.";
      };
      network = {
        deny = mkOption {
          type = types.listOf types.str;
          default = [
            "link-local"
            "localhost"
            "multicast"
          ];
          description = ''
            Whom a build must not talk to: addresses as systemd's IPAddressDeny has them. By
            default that is what only this machine, or only its network, can reach, such as
            bitcoind's RPC and a cloud's metadata. A resolver of names at such an address belongs
            in `allow`.
          '';
        };
        allow = mkOption {
          type = types.listOf types.str;
          default = [
            "127.0.0.53"
            "127.0.0.54"
          ]
          ++ lib.optionals (config.networking.resolvconf.useLocalResolver or false) [
            "127.0.0.1"
            "::1"
          ];
          defaultText = lib.literalMD "this machine's own resolver of names";
          description = "Whom it may talk to all the same, such as a proxy on this machine.";
        };
      };
      environment = mkOption {
        type = types.attrsOf types.str;
        default = { };
        example = {
          https_proxy = "http://proxy.example:3128";
        };
        description = "Variables for builds. They can be read in the Nix store: no secrets here.";
      };
      tools = mkOption {
        type = types.listOf types.package;
        default = [ ];
        description = ''
          Packages whose programs builds have on PATH, beside Node.js, Python, make, gcc, git and
          the usual small ones.
        '';
      };
      cafile = optional types.str "Certificate authorities for builds; the system's where not given.";
      npmrc = optional types.str "The builds' .npmrc, outside the store. What they run can read it.";
      settle = mkOption {
        type = types.ints.unsigned;
        default = 10;
        description = "Seconds after which a unit that was restarted must be active.";
      };
      keep_previous = mkOption {
        type = types.bool;
        default = false;
        description = "Whether to keep the result that ran before, so that --rollback always works.";
      };
      wait = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Whether `nixos-rebuild switch`, and the boot, wait for builds, and the former tells that
          one failed. Otherwise builds go on in the background.
        '';
      };
      state_dir = directory "/etc/mempool" "Where the hashes of what is current are.";
      work_dir = directory "/var/lib/mempool/work" "Where builds are made, and their logs.";
      result_dir = directory "/var/lib/mempool/results" "Where results are; on the file system of `work_dir`.";
      projects = mkOption {
        type = types.attrsOf types.raw;
        default = { };
        internal = true;
        description = ''
          Name -> what a container builds for it: a package's `containerBuild`, with `nodejs` and
          the `units` to restart.
        '';
      };
    };
  };

  config = lib.mkIf (cfg.projects != { }) {
    systemd.services = lib.mapAttrs' unitFor cfg.projects;
    systemd.slices.mempool-build = {
      description = "Container builds of mempool";
      sliceConfig = logic.buildSlice cfg.network;
    };
    # For --status and --rollback, with the directories that the units have: those of the command
    # itself are its user's.
    environment.systemPackages = [
      (pkgs.writeShellScriptBin "mempool-build" ''
        exec ${cfg.program}/bin/npm2nixlite container-build "$@" \
          --state-dir=${lib.escapeShellArg cfg.state_dir} \
          --work-dir=${lib.escapeShellArg cfg.work_dir} \
          --result-dir=${lib.escapeShellArg cfg.result_dir}
      '')
    ];
  };
}
