"""A Nix store of the tests' own, so that none touches the machine's."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
experimental-features = nix-command flakes
build-users-group =
substituters =
sandbox = true
sandbox-fallback = false
extra-sandbox-paths = /bin /usr /lib /lib64
"""


@dataclass(frozen=True)
class Nix:
    """The installed Nix with a store at a place of its own; the logical directory stays."""

    root: Path

    def __call__(self, *command: str | Path, text: bytes = b"") -> bytes:
        environment = os.environ | {
            "NIX_REMOTE": str(self.root),
            "NIX_CONFIG": CONFIG,
            "XDG_CACHE_HOME": f"{self.root}-cache",
        }
        done = subprocess.run(
            list(map(str, command)), env=environment, input=text, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def line(self, *command: str | Path) -> str:
        return self(*command).decode().strip()


@pytest.fixture(scope="session")
def nix(tmp_path_factory: pytest.TempPathFactory) -> Nix:
    return Nix(tmp_path_factory.mktemp("nix") / "root")
