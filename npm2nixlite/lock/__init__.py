"""Locks: ``package-lock.json`` and ``npm-shrinkwrap.json``, lockfileVersion 1, 2 and 3.

Standard library only: the assembler reads locks inside the Nix sandbox.
"""
