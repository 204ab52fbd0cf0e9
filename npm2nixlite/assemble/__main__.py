"""Assemble in the Nix sandbox: ``python3 -m npm2nixlite.assemble MANIFEST.json OUT``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from npm2nixlite.assemble import assemble
from npm2nixlite.assemble.manifest import read_manifest
from npm2nixlite.assemble.trees import pack_trees
from npm2nixlite.errors import Npm2nixliteError


def main(arguments: list[str]) -> int:
    """Assemble; the exit status is 0, or that of the error."""
    match arguments:
        case [manifest, out]:
            pass
        case _:
            sys.stderr.write("usage: python3 -m npm2nixlite.assemble MANIFEST.json OUT\n")
            return 2
    try:
        with tempfile.TemporaryDirectory(prefix="npm2nixlite-") as scratch:
            assemble(pack_trees(read_manifest(Path(manifest)), Path(scratch)), Path(out))
    except Npm2nixliteError as error:
        sys.stderr.write(f"npm2nixlite: {error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
