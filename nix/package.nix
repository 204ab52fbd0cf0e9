# npm2nixlite itself.
{ python3Packages }:
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
      builtins.match "/(npm2nixlite(/.*)?|pyproject.toml|README.md|LICENSE)" relative != null
      && builtins.match ".*/__pycache__(/.*)?" relative == null;
  };
  build-system = [ python3Packages.hatchling ];
  dependencies = [
    python3Packages.aiohttp
    python3Packages.node-semver
    python3Packages.packaging
    python3Packages.semver
    python3Packages.tqdm
  ];
  # They need Nix and npm.
  doCheck = false;
  meta.mainProgram = "npm2nixlite";
}
