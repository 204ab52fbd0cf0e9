"""What ``npm pack`` packs of a directory: a git dependency is installed as that, not as it is.

Standard library only: the assembler packs inside the Nix sandbox.
"""
