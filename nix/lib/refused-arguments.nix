/**
  Arguments of nixpkgs' `buildNpmPackage` that `buildNpmProject` cannot take, and what to write in
  their place. An evaluation error where one of them is given.

  # Type

  ```
  refuse :: AttrSet -> AttrSet
  ```

  # Example

  ```nix
  refuse { npmDepsHash = "sha256-…"; }
  => error: npm2nixlite: buildNpmProject takes no npmDepsHash. …
  ```
*/
arguments:
let
  tree = "Write packages = ./node-packages.nix; (made by 'npm2nixlite generate') in its place.";
  instead = {
    npmDepsHash = tree;
    npmDeps = tree;
    forceGitDeps = ''
      A git dependency that npm builds first, and that has no lock, is a blocker: give a tarball of it
        with overrides.'';
    forceEmptyCache = "There is no cache: leave it out.";
    makeCacheWritable = "There is no cache: leave it out.";
    npmInstallFlags = ''
      Nothing runs `npm ci`: for --omit=GROUP write omit = [ "GROUP" ]; for the rest, see the
        project's .npmrc.'';
    npmPruneFlags = ''Nothing runs `npm prune`: for --omit=GROUP write omit = [ "GROUP" ];'';
    npmPackFlags = "Nothing runs `npm pack`: leave it out. (Scripts do not run when it is installed.)";
    npmRoot = "Write sourceRoot, the directory of package.json: it holds for all phases.";
    npmConfigHook = "Write a configurePhase, or preConfigure and postConfigure.";
    npmBuildHook = "Write a buildPhase, or preBuild and postBuild.";
    npmInstallHook = "Write an installPhase, or preInstall and postInstall.";
    makeWrapperArgs = ''
      Commands are links to the project's own files: write, with makeWrapper in nativeBuildInputs,
        postFixup = "wrapProgram $out/bin/NAME …";'';
  };
  found = builtins.attrNames (builtins.intersectAttrs instead arguments);
in
if found == [ ] then
  arguments
else
  throw ''
    npm2nixlite: buildNpmProject takes no ${builtins.head found}.
      ${instead.${builtins.head found}}''
