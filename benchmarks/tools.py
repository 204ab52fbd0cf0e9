"""The contestants' programs, at pinned versions, in a directory of the benchmarks' own.

What npm has is installed from ``contestants/package-lock.json``, what PyPI has from
``contestants/requirements.txt``. hermeto is in neither: it takes part where ``hermeto`` is on PATH,
or where somebody installed it from its source into the virtual environment that stands here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workload import KEPT

__all__ = ["Tools", "install"]

_LISTS = Path(__file__).with_name("contestants")
_LISTED = ("package.json", "package-lock.json", "requirements.txt")


@dataclass(frozen=True)
class Tools:
    """Where the programs are.

    Attributes:
        directory: Below it, ``node_modules`` and ``venv``.
    """

    directory: Path

    def node(self, name: str) -> str:
        """A program from npm, run by the installed Node.js."""
        return str(self.directory / "node_modules/.bin" / name)

    @property
    def bun(self) -> str:
        """The program itself: its package has one for each platform, and picks it in a script."""
        found = sorted(self.directory.glob("node_modules/@oven/bun-*/bin/bun"))
        return str(found[0]) if found else self.node("bun")

    def python(self, name: str) -> str:
        """A program from PyPI; the one on PATH where it is not among them."""
        own = self.directory / "venv/bin" / name
        return str(own) if own.exists() else name

    def version(self, *command: str) -> str:
        """The last word of the first line that a command prints; nothing where it is missing."""
        try:
            done = subprocess.run(
                command, capture_output=True, check=True, text=True, cwd=self.directory
            )
        except (OSError, subprocess.CalledProcessError):
            return ""
        lines = done.stdout.splitlines()
        return lines[0].split()[-1].removeprefix("v") if lines and lines[0] else ""


def install() -> Tools:
    """Install what is missing; a run that finds all of it does nothing.

    Raises:
        CalledProcessError: npm or pip failed.
    """
    contents = b"".join((_LISTS / name).read_bytes() for name in _LISTED)
    directory = KEPT / f"contestants-{hashlib.sha256(contents).hexdigest()[:12]}"
    stamp = directory / "installed"
    if not stamp.exists():
        directory.mkdir(parents=True, exist_ok=True)
        for name in _LISTED:
            shutil.copyfile(_LISTS / name, directory / name)
        print("installing the contestants, once", file=sys.stderr)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=directory, check=True, stdout=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=directory, check=True)
        pip = ["venv/bin/pip", "install", "--quiet", "-r", "requirements.txt"]
        subprocess.run(
            pip, cwd=directory, check=True, env={**os.environ, "PIP_PROGRESS_BAR": "off"}
        )
        stamp.touch()
    return Tools(directory)
