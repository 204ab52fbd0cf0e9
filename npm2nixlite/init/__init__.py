"""``init``: what a project lacks for ``nix build`` and ``nix develop``."""
