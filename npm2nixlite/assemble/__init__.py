"""Assemble ``node_modules`` from tarballs, as ``npm ci`` does.

Standard library only: this runs inside the Nix sandbox.
"""
