"""What is kept of runs: results.json, and the pages and plots that are made from it."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Growth, Table, from_json, to_json
from benchmarks.pages import page, summary
from benchmarks.scratch import file_system
from benchmarks.workload import ROOT
from npm2nixlite.nix.version import tool_version

__all__ = ["Results", "machine"]

_MARKS = ("<!-- benchmarks: begin -->", "<!-- benchmarks: end -->")


def machine(scratch: Path) -> dict[str, Any]:
    """What it runs on, how busy that is, and what everybody writes to."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "fileSystem": file_system(scratch),
        "nix": str(tool_version("nix") or ""),
        "commit": _commit(),
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    return done.stdout.strip()


@dataclass
class Results:
    """The figures in a directory.

    Attributes:
        directory: Has, or gets, results.json, results.md and a plot for each item.
        fresh: Forget what results.json has.
    """

    directory: Path
    fresh: bool = False
    _kept: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        file = self.directory / "results.json"
        self._kept = {"suites": {}}
        if file.exists() and not self.fresh:
            self._kept = json.loads(file.read_bytes())

    def about(self, host: dict[str, Any], command: str) -> None:
        """Note where and how this run was made."""
        self._about = {"machine": host, "command": command}

    def add(self, suite: str, item: Table | Growth) -> None:
        """Take in what a suite found, in the place of what was known before."""
        entry = self._entry(suite)
        entry["items"] = [kept for kept in entry["items"] if kept["key"] != item.key]
        entry["items"].append(to_json(item))
        entry |= self._about
        entry.pop("failure", None)
        self._write()

    def fail(self, suite: str, message: str) -> None:
        """Note that a suite ended early."""
        self._entry(suite)["failure"] = message
        self._write()

    def took(self, suite: str, seconds: float) -> None:
        """Note how long a suite ran."""
        self._entry(suite)["seconds"] = round(seconds, 1)
        self._write()

    def items(self) -> list[tuple[dict[str, Any], Table | Growth]]:
        """All that is known, each with how it was measured."""
        return [
            (entry, from_json(item))
            for entry in self._kept["suites"].values()
            for item in entry["items"]
        ]

    def render(self, publish: Path | None) -> None:
        """Draw the plots and write the pages.

        Args:
            publish: The repository whose docs and README are to show them, too.
        """
        from benchmarks.plots import draw  # matplotlib is large: what is measured starts from here

        items = self.items()
        for _, item in items:
            draw(item, self.directory / f"{item.key}.svg")
        (self.directory / "results.md").write_text(page(items, self._failures(), ""))
        if publish is None:
            return
        plots = publish / "docs/benchmarks"
        plots.mkdir(parents=True, exist_ok=True)
        for _, item in items:
            shutil.copyfile(self.directory / f"{item.key}.svg", plots / f"{item.key}.svg")
        shutil.copyfile(self.directory / "results.json", plots / "results.json")
        text = page(items, self._failures(), "benchmarks/")
        (publish / "docs/benchmarks.md").write_text(text)
        readme = publish / "docs/speed.md"
        readme.write_text(between(readme.read_text(), summary(items)))

    def _entry(self, suite: str) -> dict[str, Any]:
        entry: dict[str, Any] = self._kept["suites"].setdefault(suite, {"items": []})
        return entry

    def _failures(self) -> dict[str, str]:
        suites = self._kept["suites"].items()
        return {name: entry["failure"] for name, entry in suites if "failure" in entry}

    def _write(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.directory / "results.json"
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(self._kept, indent=1) + "\n")
        partial.replace(file)


def between(text: str, content: str) -> str:
    """Put content between the marks in a text.

    Raises:
        ValueError: The text has no marks.
    """
    head, begin, rest = text.partition(_MARKS[0])
    _, end, tail = rest.partition(_MARKS[1])
    if not begin or not end:
        raise ValueError(f"there is no {_MARKS[0]} … {_MARKS[1]}")
    return f"{head}{begin}\n{content.strip()}\n{end}{tail}"
