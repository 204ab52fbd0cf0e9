# The Python code that runs in the sandbox, and nothing else of this project: what the command line
# or the fetcher does is no input of a node_modules.
let
  # In a checkout the package lies beside nix/; in a wheel, nix/ lies in the package's share/.
  place = if builtins.pathExists ../../npm2nixlite then ../.. else ../../../..;
  root = toString place;
  runs = [
    "/npm2nixlite"
    "/npm2nixlite/__init__.py"
    "/npm2nixlite/errors.py"
    "/npm2nixlite/files.py"
    "/npm2nixlite/integrity.py"
    "/npm2nixlite/messages.py"
  ];
  below =
    path:
    builtins.match "/npm2nixlite/(assemble|lock|pack|project)(/.*)?" path != null
    && builtins.match ".*/__pycache__(/.*)?" path == null;
in
builtins.path {
  name = "npm2nixlite-assembler";
  path = place;
  filter =
    path: _:
    let
      relative = builtins.substring (builtins.stringLength root) (-1) path;
    in
    builtins.elem relative runs || below relative;
}
