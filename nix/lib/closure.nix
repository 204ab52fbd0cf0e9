/**
  What a package finds when it is run: it, what it depends on, and so on, at whatever install paths
  Node.js resolves them to. Everything, where the lock does not say what packages depend on (version
  1, or no lock).

  # Type

  ```
  closure :: { packages :: AttrSet; lock :: path | null; } -> string -> [ string ]
  ```

  # Example

  ```nix
  closure { inherit (generated) packages; lock = ./package-lock.json; } "node_modules/bcrypt"
  => [ "node_modules/bcrypt" "node_modules/node-addon-api" "node_modules/node-gyp-build" ]
  ```
*/
{
  packages,
  lock ? null,
  # What the lock says of each install path; null where it does not.
  entries ?
    if lock == null then
      null
    else
      (builtins.fromJSON (builtins.readFile lock)).packages or null,
}:
let
  # Where a package may be found from a place: in its node_modules, and in those above it.
  above =
    place:
    let
      parent = builtins.match "(.*)/[^/]*" place;
    in
    [ place ] ++ (if place == "" then [ ] else above (if parent == null then "" else builtins.head parent));

  resolve =
    place: name:
    builtins.filter (path: packages ? ${path}) (
      map (folder: (if folder == "" then "" else "${folder}/") + "node_modules/${name}") (
        builtins.filter (folder: builtins.match "(.*/)?node_modules" folder == null) (above place)
      )
    );

  needs =
    path:
    let
      entry = entries.${path} or { };
      names = builtins.attrNames (
        (entry.dependencies or { })
        // (entry.optionalDependencies or { })
        // (entry.peerDependencies or { })
      );
      found = builtins.concatMap (
        name:
        let
          paths = resolve path name;
        in
        if paths == [ ] then [ ] else [ (builtins.head paths) ]
      ) names;
    in
    found ++ (if (packages.${path} or { }) ? link then [ packages.${path}.link ] else [ ]);
in
path:
if entries == null then
  builtins.attrNames packages
else
  map (item: item.key) (
    builtins.genericClosure {
      startSet = [ { key = path; } ];
      operator = item: map (key: { inherit key; }) (needs item.key);
    }
  )
