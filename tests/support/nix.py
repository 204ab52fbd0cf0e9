"""The installed Nix, on a store of the test's own, with the sandbox on and no substituters."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Nix"]

_CONFIG = """\
experimental-features = nix-command flakes
build-users-group =
sandbox = true
sandbox-fallback = false
substituters =
"""


@dataclass(frozen=True)
class Nix:
    """Nix with everything it writes below a directory.

    Attributes:
        root: That directory.
    """

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """What makes Nix's commands use this store."""
        return {
            "NIX_CONFIG": _CONFIG,
            "NIX_STORE_DIR": str(self.root / "store"),
            "NIX_STATE_DIR": str(self.root / "state"),
            "NIX_LOG_DIR": str(self.root / "log"),
            "NIX_CONF_DIR": str(self.root / "conf"),
            "NIX_PATH": "",
            "NIX_REMOTE": "",
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of Nix's commands."""
        env = {**os.environ, **self.environment}
        done = subprocess.run(
            [*map(str, arguments)], env=env, capture_output=True, encoding="utf-8", check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{arguments} failed:\n{done.stderr}")
        return done

    def eval(self, expression: str) -> Any:
        """Evaluate an expression strictly; its value as JSON has it."""
        done = self.run("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression)
        return json.loads(done.stdout)
