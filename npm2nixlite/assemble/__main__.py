"""Assemble in the Nix sandbox: ``python3 -m npm2nixlite.assemble MANIFEST.json OUT``.

Importing the whole library takes as long as a twentieth of the largest trees: what few trees need
is imported where it is needed.
"""

from __future__ import annotations

import gc
import sys
import traceback
from pathlib import Path

from npm2nixlite.assemble.manifest import FromTree, Manifest, read_manifest
from npm2nixlite.assemble.node_modules import assemble
from npm2nixlite.errors import InternalError, Npm2nixliteError, internal_error


def main(arguments: list[str]) -> int:
    """Assemble; the exit status is 0, or that of the error."""
    match arguments:
        case [manifest, out]:
            pass
        case _:
            sys.stderr.write("usage: python3 -m npm2nixlite.assemble MANIFEST.json OUT\n")
            return 2
    gc.disable()  # what is made stays until the end, which is near
    try:
        _assemble(read_manifest(Path(manifest)), Path(out))
    except Npm2nixliteError as error:
        sys.stderr.write(f"npm2nixlite: {error}\n")
        return error.exit_status
    except Exception as error:  # noqa: BLE001 (a build's log is read by users, too)
        sys.stderr.write(f"npm2nixlite: {internal_error(error)}\n")
        traceback.print_exc()  # the sandbox keeps no file
        return InternalError.exit_status
    return 0


def _assemble(manifest: Manifest, out: Path) -> None:
    if not any(isinstance(entry.origin, FromTree) for entry in manifest.packages.values()):
        assemble(manifest, out)
        return
    from npm2nixlite.assemble.trees import pack_trees
    from npm2nixlite.files import scratch_directory

    with scratch_directory("npm2nixlite-") as scratch:
        assemble(pack_trees(manifest, scratch), out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
