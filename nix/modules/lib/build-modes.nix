# Which instances run what Nix builds, and which what a container with network access builds.
#
# Type: buildModes :: { option -> { build, package } } -> { container, warnings, assertions }
#
# option: where the instance is set, such as "services.mempool-backend.mainnet". build: "auto",
# "canonical" or "container". package: with `version`, and, where it knows them, with `blockers`,
# those of its generated file, and `containerBuild`, which a container build is made of.
# container: the options of those that a container builds.
#
# Example:
#   (buildModes { a = { build = "auto"; package = { version = "1"; blockers = [ ]; }; }; }).container
#   => [ ]
instances:
let
  options = builtins.attrNames instances;
  blockersOf = option: instances.${option}.package.blockers or [ ];
  isBlocked = option: blockersOf option != [ ];

  inContainer =
    option:
    {
      auto = isBlocked option;
      canonical = false;
      container = true;
    }
    .${instances.${option}.build};
  container = builtins.filter inContainer options;

  listed =
    blockers:
    builtins.concatStringsSep "" (map (blocker: "\n  ${blocker.path}: ${blocker.reason}") blockers);

  # Instances of one package have the same to be said of them: it is said once.
  together =
    chosen:
    map
      (text: {
        inherit text;
        names = builtins.concatStringsSep ", " chosen.${text};
      })
      (builtins.attrNames chosen);
  byBlockers = chosen: together (builtins.groupBy (option: listed (blockersOf option)) chosen);

  decidedBy =
    build: builtins.filter (option: instances.${option}.build == build && isBlocked option) options;

  failed = message: {
    assertion = false;
    inherit message;
  };

  without = builtins.filter (option: !(instances.${option}.package ? containerBuild)) container;
  versions = builtins.groupBy (option: instances.${option}.package.version) (
    builtins.filter (option: instances.${option}.package ? containerBuild) container
  );
in
{
  inherit container;

  warnings = map (
    group:
    "${group.names}: built in a container with network access, for the lock cannot be canonical:${group.text}"
  ) (byBlockers (decidedBy "auto"));

  assertions =
    map (
      group:
      failed "${group.names}: build is \"canonical\", which the lock cannot be:${group.text}\nWith \"auto\" or \"container\" it is built in a container with network access."
    ) (byBlockers (decidedBy "canonical"))
    ++ map (
      option:
      failed "${option}: its package says nothing of how a container builds it. Set build to \"canonical\", or leave package out."
    ) without
    ++ (
      if builtins.length (builtins.attrNames versions) < 2 then
        [ ]
      else
        [
          (failed "Only one version can be built in a container, but ${
            builtins.concatStringsSep " and " (
              builtins.attrValues (
                builtins.mapAttrs (
                  version: names: "${builtins.concatStringsSep ", " names} want ${version}"
                ) versions
              )
            )
          }. Leave their package out, and set services.mempool.release.")
        ]
    );
}
