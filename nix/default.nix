# npm projects from generated files.
#
# With nixpkgs:
#   let npm = import ./nix { inherit pkgs; }; in npm.buildNpmProject { src = ./.; … }
#
# Without, anything with the same names will do: see tests/nix/toolchain.nix.
{
  # stdenv, nodejs, python3; and where it has them pnpm (for the registry) and mkShell.
  pkgs,
  nodejs ? pkgs.nodejs,
  # What runs in the build: of the platform that builds, where that is another one.
  buildNodejs ?
    if (import ./lib/cross.nix stdenv).isCross then pkgs.buildPackages.nodejs else nodejs,
  python3 ? pkgs.buildPackages.python3 or pkgs.python3,
  # The shell that commands of packages find.
  bash ? pkgs.runtimeShellPackage or pkgs.bash or null,
  stdenv ? pkgs.stdenv,
  # The registry base, for generated files that leave it out.
  registry ? import ./lib/registry.nix pkgs,
  # What fetches tarballs; Nix's own fetcher where not given.
  fetchurl ? null,
  # What fetches git dependencies: nixpkgs' own where it is there, else Nix's, at evaluation.
  fetchgit ? pkgs.fetchgit or null,
}:
let
  inherit (import ./lib/cross.nix stdenv) isCross;

  # The library with one Node.js: builders take another as their argument `nodejs`.
  libraryWith =
    { nodejs, buildNodejs }:
    let
      plan = import ./lib/plan.nix {
        inherit
          stdenv
          python3
          nodejs
          buildNodejs
          fetchurl
          fetchgit
          registry
          ;
      };
      buildingPlan =
        if isCross then
          import ./lib/plan.nix {
            inherit (pkgs.buildPackages) stdenv;
            nodejs = buildNodejs;
            inherit
              python3
              fetchurl
              fetchgit
              registry
              ;
          }
        else
          plan;
      # Commands of packages call a shell as well as Node.js.
      hostInputs = [ nodejs ] ++ (if bash == null then [ ] else [ bash ]);
      mkNodeModules = import ./lib/mk-node-modules.nix {
        inherit
          stdenv
          python3
          nodejs
          plan
          hostInputs
          ;
      };
    in
    {
      inherit mkNodeModules;
      buildNpmProject = import ./lib/build-npm-project.nix {
        inherit
          stdenv
          python3
          nodejs
          buildNodejs
          plan
          buildingPlan
          mkNodeModules
          hostInputs
          ;
      };
      mkDevShell = import ./lib/dev-shell.nix {
        inherit
          stdenv
          python3
          nodejs
          mkNodeModules
          ;
        mkShell = pkgs.mkShell or null;
      };
      # What nixpkgs' buildNpmPackage takes as npmDeps, beside npmConfigHook.
      npmDeps = arguments: (plan arguments).file;
      npmConfigHook = import ./lib/npm-config-hook.nix {
        inherit stdenv python3;
        nodejs = buildNodejs;
      };
    };

  withNodejs =
    builder: arguments:
    let
      chosen =
        if arguments ? nodejs then
          {
            inherit (arguments) nodejs;
            # nixpkgs' callPackage says which one runs where it is built.
            buildNodejs = arguments.nodejs.__spliced.buildHost or (
              if isCross then buildNodejs else arguments.nodejs
            );
          }
        else
          { inherit nodejs buildNodejs; };
    in
    (libraryWith chosen).${builder} (removeAttrs arguments [ "nodejs" ]);
in
{
  mkNodeModules = withNodejs "mkNodeModules";
  buildNpmProject = withNodejs "buildNpmProject";
  mkDevShell = withNodejs "mkDevShell";
  npmDeps = withNodejs "npmDeps";
  inherit (libraryWith { inherit nodejs buildNodejs; }) npmConfigHook;
}
