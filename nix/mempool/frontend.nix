# mempool's web pages, in all languages, as `npm run build` makes them.
#
# `resources/config.js` and `resources/customize.js` are what the pages load for their settings:
# those in the package hold none. A web server puts others in their place, as the NixOS module does,
# so that no setting is an input of this derivation.
{
  pkgs,
  npm,
  nodejs,
  release,
  source,
  load,
  ...
}:
let
  logos = pkgs.fetchFromGitHub { inherit (release.miningPoolLogos) owner repo rev hash; };
  generated = load release.frontendPackages;
  nodeModules = npm.mkNodeModules { packages = generated; };

  environment = {
    MINING_POOL_LOGOS = "${logos}";
    SKIP_SYNC = "1";
    CYPRESS_INSTALL_BINARY = "0";
    NG_CLI_ANALYTICS = "false";
    # No spinner: Nix gives builds a terminal, and would keep every turn of it in the log.
    CI = "true";
    # Shown on the "about" page; otherwise git is asked.
    DOCKER_COMMIT_HASH = release.source.commit;
  };
in
npm.buildNpmProject (
  environment
  // {
    pname = "mempool-frontend";
    inherit (release) version;
    src = source;
    sourceRoot = "source/frontend";
    packages = generated;
    inherit nodeModules;
    # Nothing of node_modules is in the output, so no second tree is needed.
    productionModules = nodeModules;
    nativeBuildInputs = [ pkgs.rsync ];

    preBuild = ". ${./assets.sh}";

    installPhase = ''
      runHook preInstall
      mkdir -p "$out/share"
      cp -R dist/mempool/browser "$out/share/mempool-frontend"
      runHook postInstall
    '';

    passthru = {
      inherit release nodejs;
      # Below it: one directory for each language, and `resources`.
      root = "share/mempool-frontend";
      inherit (generated) blockers;
      # What builds the same with network access, where the lock has blockers.
      containerBuild = {
        inherit source;
        script = ./container/frontend.sh;
        output = "frontend/dist/mempool/browser";
        environment = environment // {
          ASSETS = "${./assets.sh}";
        };
        tools = [ pkgs.rsync ];
        visible = [
          logos
          "${./assets.sh}"
        ];
      };
    };
    meta = {
      description = "Web pages of the mempool block explorer";
      homepage = "https://mempool.space";
    };
  }
)
