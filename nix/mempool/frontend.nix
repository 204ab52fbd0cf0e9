# mempool's web pages, in all languages, as `npm run build` makes them.
#
# `resources/config.js` and `resources/customize.js` are what the pages load for their settings:
# those in the package hold none. A web server puts others in their place, as the NixOS module does,
# so that no setting is an input of this derivation.
{
  pkgs,
  npm,
  release,
  source,
  ...
}:
let
  logos = pkgs.fetchFromGitHub { inherit (release.miningPoolLogos) owner repo rev hash; };
  nodeModules = npm.mkNodeModules { packages = release.frontendPackages; };
in
npm.buildNpmProject {
  pname = "mempool-frontend";
  inherit (release) version;
  src = source;
  sourceRoot = "source/frontend";
  packages = release.frontendPackages;
  inherit nodeModules;
  # Nothing of node_modules is in the output, so no second tree is needed.
  productionModules = nodeModules;
  nativeBuildInputs = [ pkgs.rsync ];

  # Releases before 3.0.0 download assets whatever they are told.
  postPatch = ''
    if ! grep -q SKIP_SYNC sync-assets.js; then
      echo 'console.log("not downloading any assets")' > sync-assets.js
    fi
  '';

  SKIP_SYNC = 1;
  CYPRESS_INSTALL_BINARY = 0;
  NG_CLI_ANALYTICS = "false";
  # No spinner: Nix gives builds a terminal, and would keep every turn of it in the log.
  CI = "true";
  # Shown on the "about" page; otherwise git is asked.
  DOCKER_COMMIT_HASH = release.source.commit;

  preBuild = ''
    mkdir -p src/resources/mining-pools
    cp ${logos}/*.svg src/resources/mining-pools/
    chmod -R u+w src/resources
  '';

  installPhase = ''
    runHook preInstall
    mkdir -p "$out/share"
    cp -R dist/mempool/browser "$out/share/mempool-frontend"
    runHook postInstall
  '';

  passthru = {
    inherit release;
    # Below it: one directory for each language, and `resources`.
    root = "share/mempool-frontend";
  };
  meta = {
    description = "Web pages of the mempool block explorer";
    homepage = "https://mempool.space";
  };
}
