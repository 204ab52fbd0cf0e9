# A git dependency that npm builds before it packs it, as the tarball that npm would make: what its
# own lock says is installed beside a copy of its repository, its scripts run, and it is packed.
#
# Type: prepare :: { stdenv, python3, nodejs, platform, … } -> { package, runsScripts ? false }
#   -> derivation
#
# package: of a generated file, with `src`, `rev`, `prepare` and perhaps `subdirectory`.
# runsScripts: whether its own install scripts may run, too.
{
  stdenv,
  python3,
  nodejs,
  # See mk-node-modules.nix.
  platform,
  npmVersion ? null,
  allowScripts ? [ ],
  nodedir ? nodejs,
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
}:
let
  assembler = import ./assembler.nix;

  prepare =
    {
      package,
      runsScripts ? false,
    }:
    let
      subdirectory = package.subdirectory or "";
      packages = package.prepare;
      inherit (import ./names.nix packages) knows;
      own = if subdirectory == "" then "${package.src}" else "${package.src}/${subdirectory}";
      manifest = import ./manifest.nix {
        inherit packages platform prepare;
        allowScripts = builtins.filter knows allowScripts;
        # They are in the repository itself.
        localDependencies = builtins.mapAttrs (_: local: "${own}/${local.directory}") (
          removeAttrs packages (
            builtins.filter (path: !(packages.${path} ? directory)) (builtins.attrNames packages)
          )
        );
      };
    in
    stdenv.mkDerivation {
      name = "npm-git-${builtins.substring 0 7 package.rev}.tar";

      manifest = builtins.toJSON (
        manifest
        // {
          scripts = manifest.scripts ++ (if runsScripts then [ "" ] else [ ]);
          node = nodejs.version or null;
        }
        // (if npmVersion == null then { nodejs = "${nodejs}"; } else { npm = npmVersion; })
      );
      passAsFile = [ "manifest" ];
      tree = "${package.src}";
      inherit subdirectory buildInputs;
      nativeBuildInputs = [
        python3
        nodejs
      ]
      ++ nativeBuildInputs;

      buildCommand = ''
        export PYTHONPATH=${assembler} PYTHONDONTWRITEBYTECODE=1
        export HOME="$TMPDIR/home" npm_config_nodedir=${nodedir}
        export npm_config_offline=true npm_config_update_notifier=false
        umask 022
        mkdir -p "$HOME"
        work="$TMPDIR/work"
        python3 -m npm2nixlite.assemble.prepare \
          install "$manifestPath" "$tree" "$subdirectory" "$work"
        # its tools' first lines may name /usr/bin/env; its own files are packed as they are
        if declare -F patchShebangs > /dev/null; then
          find "$work" -type d -name node_modules -prune -print0 |
            while IFS= read -r -d "" modules; do patchShebangs "$modules"; done
        fi
        python3 -m npm2nixlite.assemble.prepare \
          pack "$manifestPath" "$subdirectory" "$work" "$out"
      '';
    };
in
prepare
