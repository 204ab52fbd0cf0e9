"""What a run of the program did, by count: see `tests.support.counted`."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support.projects import ROOT, environment

__all__ = ["Note", "Notes", "run_counted"]

_PYTHON = tuple(map(str, (ROOT, sys.prefix, sys.base_prefix)))


@dataclass(frozen=True)
class Note:
    """One thing that happened, in one of the run's processes."""

    kind: str
    process: int
    what: str


@dataclass(frozen=True)
class Notes:
    """All that happened."""

    notes: tuple[Note, ...]

    def of(self, kind: str) -> list[str]:
        """What is noted of a kind: ``connect``, ``import``, ``process``, ``task``, ``thread``."""
        return [note.what for note in self.notes if note.kind == kind]

    def opened(self, kind: str, below: Path) -> Counter[str]:
        """Files below a directory, by how often they were opened to ``read`` or ``write``."""
        inside = f"{below}/"
        return Counter(
            path.removeprefix(inside) for path in self.of(kind) if path.startswith(inside)
        )

    def opened_elsewhere(self, home: Path) -> list[str]:
        """Files opened outside of the home, but those of Python and of the program itself."""
        own = (str(home), *_PYTHON)
        return [
            path for kind in ("read", "write") for path in self.of(kind) if not path.startswith(own)
        ]

    def processes(self, kind: str) -> int:
        """How many processes have notes of a kind."""
        return len({note.process for note in self.notes if note.kind == kind})


def run_counted(module: str, *arguments: str | Path, home: Path, **env: str) -> Notes:
    """Run a module of the program, which must end well, in the home directory."""
    with tempfile.TemporaryDirectory() as directory:
        notes = Path(directory) / "notes"
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.counted", notes, module, *arguments],
            cwd=home,
            env=environment(home, **env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        lines = [line.split("\t") for line in notes.read_text().splitlines()]
    return Notes(tuple(Note(kind, int(pid), ast.literal_eval(what)) for kind, pid, what in lines))
