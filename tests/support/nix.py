"""The installed Nix, on stores of the tests' own, with the sandbox on and no substituters."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONFIG", "HOST_TOOLS", "Nix", "NixElsewhere", "nix_elsewhere"]

CONFIG = """\
experimental-features = nix-command flakes
build-users-group =
sandbox = true
sandbox-fallback = false
substituters =
"""

_HOST_PATHS = "/bin /usr /lib /lib64"
HOST_TOOLS = ("--option", "sandbox-paths", _HOST_PATHS)
"""For builds on this machine's own tools.

In place of Nix's own paths, not beside them: ``/bin/sh`` is one of these, ``/bin`` may be a link,
and Nix 2.26 and newer do not get both into the sandbox.
"""


@dataclass(frozen=True)
class Nix:
    """Nix with everything it writes below a directory, its logical store directory included.

    Attributes:
        root: That directory.
        config: Its nix.conf.
    """

    root: Path
    config: str = CONFIG

    @property
    def environment(self) -> dict[str, str]:
        """What makes Nix's commands use this store."""
        return {
            "NIX_CONFIG": self.config,
            "NIX_STORE_DIR": str(self.root / "store"),
            "NIX_STATE_DIR": str(self.root / "state"),
            "NIX_LOG_DIR": str(self.root / "log"),
            "NIX_CONF_DIR": str(self.root / "conf"),
            "NIX_PATH": "",
            "NIX_REMOTE": "",
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }

    def with_config(self, *lines: str) -> Self:
        """The same store, with further settings."""
        return replace(self, config="\n".join([self.config, *lines, ""]))

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of Nix's commands."""
        done = subprocess.run(
            [*map(str, arguments)],
            env=os.environ | self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{arguments} failed:\n{done.stderr}")
        return done

    def __call__(self, *command: str | Path, text: bytes = b"") -> bytes:
        """Run one of Nix's commands; gives what it writes, byte for byte."""
        done = subprocess.run(
            [*map(str, command)],
            env=os.environ | self.environment,
            input=text,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def line(self, *command: str | Path) -> str:
        """Run one of Nix's commands that writes a line."""
        return self(*command).decode().strip()

    def path_info(self, *arguments: str | Path) -> dict[str, dict[str, Any]]:
        """What ``nix path-info`` tells of store paths, by path.

        Nix gives a list before 2.19, and an object by path since then.
        """
        told = json.loads(self("nix", "path-info", "--json", *arguments))
        if isinstance(told, list):
            return {entry["path"]: entry for entry in told}
        return {path: {"path": path, **entry} for path, entry in told.items()}

    def eval(self, expression: str) -> Any:
        """Evaluate an expression strictly; its value as JSON has it."""
        done = self.run("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression)
        return json.loads(done.stdout)


@dataclass(frozen=True)
class NixElsewhere(Nix):
    """Nix with a store below a directory, whose logical store directory stays ``/nix/store``."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NIX_REMOTE": str(self.root),
            "NIX_CONFIG": f"{self.config}sandbox-paths = {_HOST_PATHS}\n",
            "XDG_CACHE_HOME": f"{self.root}-cache",
        }

    def elsewhere(self, root: Path) -> Self:
        """The same Nix with another store, empty at first."""
        return replace(self, root=root)

    def file(self, path: object) -> Path:
        """Where a store path really is."""
        return self.root / str(path).lstrip("/")


@pytest.fixture(name="nix", scope="session")
def nix_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> NixElsewhere:
    """For tests that share a store, and mind what a path is called in any other."""
    return NixElsewhere(tmp_path_factory.mktemp("nix") / "root")
