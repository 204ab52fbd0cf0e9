# mempool's backend: `bin/mempool-backend`, with the packages it runs with and no others.
#
# It finds its config through MEMPOOL_CONFIG_FILE (since 2.5.0), or in `mempool-config.json` in its
# root, which is an empty object here, for the NixOS module to bind another file over.
{
  pkgs,
  npm,
  nodejs,
  release,
  source,
  load,
  mempool-rust-gbt ? null,
  ...
}:
let
  generated = load release.backendPackages;
  pools = pkgs.fetchFromGitHub { inherit (release.miningPools) owner repo rev hash; };

  localDependencies =
    if mempool-rust-gbt == null then { } else { rust-gbt = mempool-rust-gbt; };

  # Its package.json counts the compiler and types among what it runs with. It does not.
  atBuildOnly =
    path:
    builtins.match "node_modules/(typescript|@types/.*|@typescript-eslint/.*|@napi-rs/.*)" path != null;

  productionModules = npm.mkNodeModules {
    packages = generated // {
      packages = removeAttrs generated.packages (
        builtins.filter atBuildOnly (builtins.attrNames generated.packages)
      );
    };
    omit = [ "dev" ];
    inherit localDependencies;
  };

  environment = {
    # Part of the API's answers; otherwise git is asked.
    MEMPOOL_COMMIT_HASH = release.source.commit;
  };

  # Of Rust, `cc` links what cargo compiled; it is on every container build's PATH.
  rust =
    if mempool-rust-gbt == null then
      [ ]
    else
      [
        pkgs.cargo
        pkgs.rustc
      ];
in
npm.buildNpmProject (
  environment
  // {
    pname = "mempool-backend";
    inherit (release) version;
    src = source;
    sourceRoot = "source/backend";
    packages = generated;
    inherit localDependencies productionModules;

    installPhase = ''
      runHook preInstall
      root=$out/lib/mempool-backend
      mkdir -p "$root" "$out/bin"
      cp -R dist package.json "$root"
      echo '{}' > "$root/mempool-config.json"
      ln -s "$productionModules/node_modules" "$root/node_modules"
      cat > "$out/bin/mempool-backend" <<END
      #!${pkgs.stdenv.shell}
      exec ${nodejs}/bin/node \$MEMPOOL_NODE_OPTIONS "$root/dist/index.js" "\$@"
      END
      chmod +x "$out/bin/mempool-backend"
      runHook postInstall
    '';

    passthru = {
      inherit release nodejs;
      # The directory of the mining pools' file, which the NixOS module has the backend read.
      inherit pools;
      # The config's place for releases that know no MEMPOOL_CONFIG_FILE.
      configPath = "lib/mempool-backend/mempool-config.json";
      inherit (generated) blockers;
      # What builds the same with network access, where the lock has blockers.
      containerBuild = {
        inherit source environment;
        script = ./container/backend.sh;
        output = "backend";
        tools = rust;
        visible = [ ];
      };
    };
    meta = {
      description = "Backend of the mempool block explorer";
      homepage = "https://mempool.space";
      mainProgram = "mempool-backend";
    };
  }
)
