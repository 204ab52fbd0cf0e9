"""Translate npm lockfiles into Nix: every tarball a fixed-output derivation."""

__all__ = ["__version__"]

__version__ = "0.2.0"
