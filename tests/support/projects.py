"""Projects with locks, written on the spot, and the program run on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PROGRAM", "ROOT", "Run", "locked", "run_program", "write_lock"]

ROOT = Path(__file__).parents[2]
"""The checkout."""

PROGRAM = (
    sys.executable,
    "-c",
    # A shell's background jobs, such as a whole test run may be, ignore interrupts; this does not.
    (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from npm2nixlite.cli import main; sys.exit(main(sys.argv[1:]))"
    ),
)
"""The program as a command that can be interrupted, whoever runs the tests."""


def locked(version: str = "1.0.0", **fields: object) -> dict[str, object]:
    """A lock's entry."""
    return {"version": version, **fields}


def write_lock(directory: Path, packages: dict[str, Any], **top: object) -> Path:
    """Write a version 3 lock, with a root project; returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {
        "name": "project",
        "version": "1.0.0",
        "lockfileVersion": 3,
        **top,
        "packages": {"": {"name": "project", "version": "1.0.0"}, **packages},
    }
    lock = directory / "package-lock.json"
    lock.write_text(json.dumps(content, indent=2))
    return lock


@dataclass(frozen=True)
class Run:
    """What a run of the program came to."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment without npm's settings, and with a home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().startswith("npm_config_")
        and not name.startswith("XDG_")
        and not name.lower().endswith("_proxy")
    }
    return {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), **extra}


def npm_environment(home: Path, **extra: str) -> dict[str, str]:
    """The same for npm, which may install from git and from any address: npm 12 refuses both."""
    allowed = {"npm_config_allow_git": "all", "npm_config_allow_remote": "all"}
    return environment(home, **allowed, **extra)


def run_program(*arguments: str | Path, home: Path, **env: str) -> Run:
    """Run ``npm2nixlite`` as a process of its own, in the home directory."""
    done = subprocess.run(
        [sys.executable, "-m", "npm2nixlite", *map(str, arguments)],
        cwd=home,
        env=environment(home, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)
