"""Run the benchmarks: one command, unattended.

Each suite's figures are written into results.json as soon as it has ended; where only some suites
are asked for, the others' are kept. At the end come results.md and a plot for each table. A
contestant that fails is shown as failed; a suite that fails is named, and the others run all the
same.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.context import Setting
from benchmarks.results import Results, machine
from benchmarks.tools import install
from benchmarks.workload import KEPT, ROOT
from npm2nixlite.errors import Npm2nixliteError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SUITES", "command", "main", "parser"]

SUITES = {
    "fetch": "cold beside everybody; warm; one tarball new; over TLS",
    "network": "over 0, 20, 100 ms and at 10, 100, 1000 Mbit/s; wants root",
    "generate": "lock → Nix: beside node2nix and flatpak-node-generator",
    "assemble": "tarballs → node_modules: beside npm ci --offline, bun, tar",
    "store": "the same inside Nix's sandbox: beside npm ci --offline there",
    "binary_cache": "prime and push: beside Nix and nix copy",
    "evaluate": "Nix evaluating the generated file: beside node2nix's",
    "growth": "100 to 50,000 packages: time and memory",
}

_PROJECT = ROOT / "fixtures/explorer-frontend"
_FAILURES = (OSError, RuntimeError, ValueError, AssertionError, subprocess.SubprocessError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites that are asked for; returns 1 where one failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers and namespaces go, too
    accepted = parser()
    parsed = accepted.parse_args(arguments)
    if unknown := set(parsed.suites) - set(SUITES):
        accepted.error(f"no such suite: {', '.join(sorted(unknown))}")
    results = Results(parsed.output, fresh=not parsed.suites and not parsed.render)
    failed: list[str] = []
    if not parsed.render:
        results.about(machine(parsed.scratch), command(parsed))
        tools = install()
        setting = Setting(
            project=_copy(parsed.project),
            scratch=parsed.scratch,
            tools=tools,
            runs=parsed.runs or (2 if parsed.quick else 7),
            budget=parsed.budget or (4.0 if parsed.quick else 24.0),
            limit=120.0 if parsed.quick else 240.0,
            quick=parsed.quick,
        )
        chosen = parsed.suites or SUITES
        failed = [name for name in chosen if not _run(name, setting, results)]
    results.render(ROOT if parsed.publish else None)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    listed = "\n".join(f"  {name:<14}{what}" for name, what in SUITES.items())
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\nsuites:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("suites", metavar="SUITE", nargs="*", help="default: all")
    made.add_argument(
        "--project",
        type=Path,
        default=_PROJECT,
        help="a directory with a lock; it is copied (default: %(default)s)",
    )
    made.add_argument("--runs", type=int, help="for each contestant, at most (7; quick: 2)")
    made.add_argument(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="for the runs of one contestant in one table (24; quick: 4)",
    )
    made.add_argument("--quick", action="store_true", help="in three minutes, without the slow")
    made.add_argument(
        "--scratch",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="where everybody writes (default: %(default)s; /dev/shm is a RAM disk)",
    )
    made.add_argument("--output", type=Path, default=ROOT / "build/benchmarks")
    made.add_argument(
        "--publish", action="store_true", help="write docs/benchmarks* and docs/speed.md, too"
    )
    made.add_argument(
        "--render", action="store_true", help="measure nothing; render results.json again"
    )
    return made


def command(parsed: argparse.Namespace) -> str:
    """What to run for the same figures, wherever one has the project."""
    options = list(parsed.suites)
    if parsed.project != _PROJECT:
        options += ["--project", _name(parsed.project)]
    for name in ("runs", "budget"):
        if (value := getattr(parsed, name)) is not None:
            options += [f"--{name}", f"{value:g}"]
    if parsed.quick:
        options.append("--quick")
    if parsed.scratch != Path(tempfile.gettempdir()):
        options += ["--scratch", str(parsed.scratch)]
    return shlex.join(["make", "bench", *([f"BENCH={shlex.join(options)}"] if options else [])])


def _name(project: Path) -> str:
    name = project.absolute().name
    if name in {"frontend", "backend"}:  # say whose
        name = "-".join([*project.absolute().parts[-3:-1], name])
    return name


def _copy(project: Path) -> Path:
    """A copy of a project in the benchmarks' own directory, so that nothing is written into it."""
    copy = KEPT / "projects" / _name(project)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("node_modules", ".git"))
    return copy


def _run(name: str, setting: Setting, results: Results) -> bool:
    start = time.monotonic()
    print(f"{time.strftime('%H:%M:%S')} {name} (load {os.getloadavg()[0]:.1f})", file=sys.stderr)
    try:
        for item in import_module(f"benchmarks.suites.{name}").measure(setting):
            results.add(name, item)
    except (*_FAILURES, Npm2nixliteError) as error:
        traceback.print_exc()
        results.fail(name, f"{type(error).__name__}: {error}")
        return False
    finally:
        results.took(name, time.monotonic() - start)
    return True
