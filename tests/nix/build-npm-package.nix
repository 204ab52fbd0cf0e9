# What nixpkgs' buildNpmPackage does once there is a tree, in own words: `npm run build`, what
# `npm pack` lists, `npm prune`, and a copy of the tree. For tests of what takes its hook's place.
{ stdenv, nodejs }:
{
  npmDeps,
  npmConfigHook,
  npmBuildScript ? "build",
  nativeBuildInputs ? [ ],
  buildInputs ? [ ],
  ...
}@arguments:
stdenv.mkDerivation (
  arguments
  // {
    inherit npmBuildScript;
    strictDeps = true;
    nativeBuildInputs = nativeBuildInputs ++ [
      nodejs
      npmConfigHook
    ];
    buildInputs = buildInputs ++ [ nodejs ];
    buildPhase = ''
      runHook preBuild
      npm run ''${npmWorkspace+--workspace=$npmWorkspace} "$npmBuildScript" $npmBuildFlags $npmFlags
      runHook postBuild
    '';
    installPhase = ''
      runHook preInstall
      target=$out/lib/node_modules/$(node -p 'require("./package.json").name')
      npm pack --json --dry-run --loglevel=warn $npmPackFlags $npmFlags > "$TMPDIR/packed.json"
      node -p 'Object.values(JSON.parse(require("fs").readFileSync(process.argv[1])))[0]
        .files.map(({ path }) => path).join("\n")' "$TMPDIR/packed.json" |
        while read -r file; do
          mkdir -p "$target/$(dirname "$file")"
          cp "$file" "$target/$file"
        done
      npm prune --omit=dev --no-save $npmPruneFlags $npmFlags
      cp -r node_modules "$target/node_modules"
      runHook postInstall
    '';
  }
)
