"""What Nix writes down about store paths, in pure Python: no Nix is needed to compute any of it."""
