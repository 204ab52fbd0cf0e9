/**
  A hook for nixpkgs' `buildNpmPackage`, in the place of its own `npmConfigHook`: it makes the tree
  from what `npmDeps` says, which is `npmDeps` of this library.

  # Type

  ```
  npmConfigHook :: derivation
  ```

  # Example

  ```nix
  buildNpmPackage {
    pname = "server";
    version = "1.0.0";
    src = ./.;
    npmDeps = npm.npmDeps { packages = ./node-packages.nix; lock = ./package-lock.json; };
    npmConfigHook = npm.npmConfigHook;
  }
  ```
*/
{
  stdenv,
  python3,
  nodejs,
}:
stdenv.mkDerivation {
  name = "npm2nixlite-npm-config-hook";
  # What the hook runs, wherever it is used.
  npmAssembler = import ./assembler.nix;
  npmPython = "${python3}/bin/python3";
  npmNodedir = nodejs.dev or nodejs;
  project = ./project.sh;
  hook = ./npm-config-hook.sh;
  buildCommand = ''
    mkdir -p "$out/nix-support"
    {
      for name in npmAssembler npmPython npmNodedir; do echo "$name=''${!name}"; done
      cat "$project" "$hook"
    } > "$out/nix-support/setup-hook"
  '';
}
