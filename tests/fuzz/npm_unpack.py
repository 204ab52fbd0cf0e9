"""npm's own unpacking, kept running: one Node.js for all tarballs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import IO, Self, cast

from tests.support.npm import npm_module

__all__ = ["NpmUnpack", "Tree"]

Tree = dict[str, tuple[int, str]]
"""Path → permission bits, and the sha256 of the bytes."""


class NpmUnpack:
    """Unpacks tarballs with the code that ``npm ci`` uses.

    Args:
        scratch: An empty directory, for itself.
    """

    def __init__(self, scratch: Path) -> None:
        script = Path(__file__).with_name("unpack_server.js")
        self._tarball = scratch / "npm.tgz"
        self._process = subprocess.Popen(
            [
                "node",
                str(script),
                str(Path(npm_module("pacote/package.json")).parent),
                str(scratch),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def tree(self, data: bytes) -> Tree | str:
        """The files npm makes of a tarball, or its error."""
        self._tarball.write_bytes(data)
        stdin, stdout = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        stdin.write(f"{self._tarball}\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "error" in answer:
            return str(answer["error"])
        return {path: (mode, digest) for path, (mode, digest) in answer["tree"].items()}
