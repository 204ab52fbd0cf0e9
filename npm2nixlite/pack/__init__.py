"""What ``npm pack`` packs of a directory: a git dependency is installed as that, not as it is.

Standard library only: the assembler packs inside the Nix sandbox.
"""

from npm2nixlite.pack.files import PackedFile, packed_files
from npm2nixlite.pack.tarball import pack

__all__ = ["PackedFile", "pack", "packed_files"]
