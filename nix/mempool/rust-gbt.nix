# Block templates in Rust, for Node.js: what the backend's `file:./rust-gbt` is filled with.
#
# nixpkgs fetches and builds the crates. Their hashes are those of the release's Cargo.lock, which
# the release's data repeats: reading the lock itself would need the source at evaluation.
#
# crates: where crates are, `<crates>/<name>/<name>-<version>.crate`. nixpkgs' own fetchCrate asked
# another server until 2026, which refuses to be asked by it now; the store path is the same.
{
  pkgs,
  nodejs,
  release,
  source,
  load,
  crates,
  ...
}:
let
  name = "mempool-rust-gbt";

  fetched = map (
    crate:
    pkgs.fetchurl {
      name = "${crate.name}-${crate.version}.tar.gz";
      url = "${crates}/${crate.name}/${crate.name}-${crate.version}.crate";
      inherit (crate) sha256;
    }
    // {
      inherit (crate) name version sha256;
    }
  ) release.rustGbt.crates;

  # As `cargo vendor` lays crates out; without sums of their files, which cargo does not insist on.
  cargoDeps = pkgs.runCommand "${name}-crates-${release.version}" { } ''
    mkdir -p "$out"
    cp ${source}/rust/gbt/Cargo.lock "$out"
    ${builtins.concatStringsSep "" (
      map (crate: ''
        mkdir "$out/${crate.name}-${crate.version}"
        tar -xzf ${crate} --strip-components=1 -C "$out/${crate.name}-${crate.version}"
        echo '{"files":{},"package":"${crate.sha256}"}' > "$out/${crate.name}-${crate.version}/.cargo-checksum.json"
      '') fetched
    )}
  '';

  # It writes index.js and the types that the backend is compiled with.
  cli = (load release.rustGbt.packages).packages.${release.rustGbt.napiCli}.src;
in
pkgs.rustPlatform.buildRustPackage {
  pname = name;
  inherit (release) version;
  src = source;
  sourceRoot = "source/rust/gbt";
  inherit cargoDeps;
  nativeBuildInputs = [ nodejs ];

  buildPhase = ''
    runHook preBuild
    mkdir -p "$TMPDIR/napi-cli"
    tar -xzf ${cli} --strip-components=1 -C "$TMPDIR/napi-cli"
    export HOME="$TMPDIR"
    node "$TMPDIR/napi-cli/scripts/index.js" build --platform --release --strip
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    mkdir -p "$out"
    cp index.js index.d.ts package.json ./*.node "$out"
    runHook postInstall
  '';

  # The tests want a toolchain of the release's own.
  doCheck = false;

  passthru = { inherit release; };
  meta.description = "Block templates of the mempool block explorer, in Rust";
}
