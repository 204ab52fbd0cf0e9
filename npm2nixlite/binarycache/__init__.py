"""Putting files into a binary cache straight from disk: no Nix, and no Nix store, is needed."""
