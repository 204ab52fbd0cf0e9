# npm2nixlite itself, with all that `push` can use: signing, zstd, S3.
{
  lib,
  python3Packages,
  callPackage,
  git,
  nodejs,
  nix-update-script,
}:
python3Packages.buildPythonApplication {
  pname = "npm2nixlite";
  version = builtins.head (
    builtins.match ".*__version__ = \"([^\"]+)\".*" (builtins.readFile ../npm2nixlite/__init__.py)
  );
  pyproject = true;
  src = builtins.path {
    name = "npm2nixlite-source";
    path = ../.;
    filter =
      path: _:
      let
        relative = builtins.substring (builtins.stringLength (toString ../.)) (-1) path;
      in
      builtins.match ".*/__pycache__(/.*)?" relative == null
      && (
        builtins.match "/((npm2nixlite|nix)(/.*)?|pyproject.toml|README.md|LICENSE)" relative != null
        # What the wheel installs besides: manual page and completions.
        || builtins.match "/docs(/(man|completions)(/.*)?)?" relative != null
      );
  };

  build-system = [ python3Packages.hatchling ];
  dependencies = import ./python-dependencies.nix python3Packages;

  # Where the user has none: git for git dependencies, npm for its configuration.
  makeWrapperArgs = [
    "--suffix"
    "PATH"
    ":"
    "${git}/bin:${nodejs}/bin"
  ];

  # They need Nix and npm, and servers on loopback; see passthru.tests.
  doCheck = false;
  pythonImportsCheck = [ "npm2nixlite.cli" ];

  passthru = {
    tests = callPackage ./tests.nix { };
    updateScript = nix-update-script { };
  };

  meta = {
    description = "Translates npm lockfiles into fixed-output Nix derivations, fast and faithfully";
    longDescription = ''
      npm2nixlite fetches and hashes every package of a package-lock.json and writes a
      node-packages.nix in which each tarball is a fixed-output derivation of its own. From these,
      Nix assembles the node_modules that `npm ci` makes, and builds the project offline. It also
      puts the tarballs into the local store and into binary caches.
    '';
    license = lib.licenses.mit;
    mainProgram = "npm2nixlite";
    platforms = lib.platforms.unix;
    maintainers = [ ];
  };
}
