"""The generated file, ``node-packages.nix``: its model, writing it, reading it back, changes."""
