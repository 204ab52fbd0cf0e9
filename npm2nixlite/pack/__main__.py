"""``python -m npm2nixlite.pack DIRECTORY TARBALL``: what the Nix sandbox runs."""

from __future__ import annotations

import sys
from pathlib import Path

from npm2nixlite.errors import Npm2nixliteError
from npm2nixlite.pack.tarball import pack


def main(arguments: list[str]) -> int:
    """Pack; returns the exit status."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m npm2nixlite.pack DIRECTORY TARBALL\n")
        return 2
    directory, tarball = map(Path, arguments)
    try:
        pack(directory, tarball)
    except Npm2nixliteError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_status
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror or error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
