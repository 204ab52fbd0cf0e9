"""A Nix store of the tests' own, so that none touches the machine's."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
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
    config: str = CONFIG

    def __call__(self, *command: str | Path, text: bytes = b"") -> bytes:
        done = subprocess.run(
            list(map(str, command)),
            env=os.environ | self.environment,
            input=text,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NIX_REMOTE": str(self.root),
            "NIX_CONFIG": self.config,
            "XDG_CACHE_HOME": f"{self.root}-cache",
        }

    def elsewhere(self, root: Path) -> Nix:
        return replace(self, root=root)

    def with_config(self, *lines: str) -> Nix:
        return replace(self, config="\n".join([self.config, *lines, ""]))

    def line(self, *command: str | Path) -> str:
        return self(*command).decode().strip()


@pytest.fixture(scope="session")
def nix(tmp_path_factory: pytest.TempPathFactory) -> Nix:
    return Nix(tmp_path_factory.mktemp("nix") / "root")
