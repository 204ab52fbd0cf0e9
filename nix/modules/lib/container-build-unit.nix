# The unit that builds a project in a container with network access, and switches to the result.
#
# Type: containerBuildUnit :: { name, project, units, options, program, path, registry ? null } ->
#   unit
#
# name: the service's, such as "mempool-backend". project: { source, script, output, environment,
# tools, visible }, what a package's `containerBuild` has. units: restarted after a switch. options:
# the module's. program: the package of npm2nixlite. path: packages for the unit's PATH.
#
# It is started by each `nixos-rebuild switch`: that starts every target that is active, and a
# target starts what it wants and is not active; a oneshot that ended is not, unless RemainAfterExit
# is set. One that is still at it is left alone, or where its unit changed stopped and started: then
# it builds what is not wanted any more. There is no order between it and the units it restarts, for
# it waits for them.
{
  name,
  project,
  units,
  options,
  program,
  path,
  registry ? null,
}:
let
  quote = import ./quote.nix;

  given = option: value: if value == null then [ ] else [ "--${option}=${toString value}" ];
  each = option: map (value: "--${option}=${toString value}");
  variables = project.environment // options.environment;

  arguments = [
    name
    (toString project.source)
    "--script=${project.script}"
    "--output=${project.output}"
    "--runner=${options.runner}"
    "--native"
    "--memory=${options.memory}"
    "--time-limit=${toString options.time_limit}"
    "--settle=${toString options.settle}"
    "--state-dir=${options.state_dir}"
    "--work-dir=${options.work_dir}"
    "--result-dir=${options.result_dir}"
  ]
  ++ given "cpus" options.cpus
  ++ given "registry" registry
  ++ given "cafile" options.cafile
  ++ given "npmrc" options.npmrc
  ++ each "tool" (project.tools ++ options.tools)
  ++ each "visible" project.visible
  ++ each "env" (map (variable: "${variable}=${variables.${variable}}") (builtins.attrNames variables))
  ++ each "unit" units
  ++ (if options.keep_previous then [ "--keep-previous" ] else [ ]);
in
{
  description = "Build of ${name} in a container";
  wantedBy = [ "multi-user.target" ];
  wants = [ "network-online.target" ];
  # A target waits for what it wants, but not for what comes after it.
  after = [ "network-online.target" ] ++ (if options.wait then [ ] else [ "multi-user.target" ]);
  inherit path;
  serviceConfig = {
    Type = "oneshot";
    ExecStart = builtins.concatStringsSep " " (
      [ "${program}/bin/npm2nixlite container-build" ] ++ map quote arguments
    );
    Slice = "mempool-build.slice";
    # The program ends a build after its time limit itself; before that it may wait for another run.
    TimeoutStartSec = 2 * options.time_limit + 600;
    PrivateTmp = true;
  };
}
