"""Lock → Nix, as whole processes: beside node2nix and flatpak-node-generator."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.fetchers import GENERATE, Course, flatpak, generate
from benchmarks.figures import Table, tabulate
from benchmarks.measure import Contestant, contest, run
from benchmarks.suites.fetch import entered, subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.context import Setting

__all__ = ["downgraded", "measure", "node2nix"]

_OLD = (
    "node2nix gets the lock as version 2, which npm made of it, unmeasured: of version 3 it reads "
    "nothing. It takes every hash from the lock, as --trust-lock does, and looks at no tarball."
)

NODE2NIX = "node2nix"


def measure(setting: Setting) -> Iterator[Table]:
    """All of them, with cold caches; and ourselves with a warm one."""
    with setting.room() as room:
        stock = setting.stock(room)
        with setting.course(stock, room) as (course, server):
            warm = generate(course, warm=True, name="warm")
            run(warm)
            version = setting.tools.version(setting.tools.node("node2nix"), "--version")
            theirs = {
                f"{NODE2NIX} {version}": lambda c: node2nix(c, c.scratch / "node2nix"),
                "flatpak-node-generator 0.1.1": flatpak,
            }
            ready, failed = entered(course, theirs)
            results = contest(
                {
                    f"{GENERATE}, cold": generate(course),
                    f"{GENERATE}, warm": warm,
                    f"{GENERATE} --trust-lock": generate(course, "--trust-lock", name="trusting"),
                    **ready,
                },
                setting.runs,
                budget=setting.budget,
                limit=setting.limit,
                watch=server.traffic,
            )
        yield tabulate(
            "generate",
            "From a lock to a Nix file, the whole process",
            f"{subject(setting, stock)}, from nginx on the same machine",
            [*results, *failed],
            reference=f"{GENERATE}, warm",
            notes=(_OLD,),
        )


def downgraded(course: Course, directory: Path) -> Path:
    """A copy of the project whose lock npm has written again as version 2."""
    project = course.stock.copy(course.base, directory / "project")
    command = ["npm", "install", "--package-lock-only", "--lockfile-version=2", "--ignore-scripts"]
    command += ["--no-audit", "--no-fund", "--no-omit-lockfile-registry-resolved"]
    command += ["--registry", course.base, f"--cache={directory / 'npm-cache'}"]
    done = subprocess.run(
        command, cwd=project, capture_output=True, check=False, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"npm could not write the lock as version 2: {done.stderr[-300:]}")
    return project


def node2nix(course: Course, directory: Path) -> Contestant:
    """node2nix with the lock; what it writes is in the project's copy."""
    project = downgraded(course, directory)
    return course.contestant(
        [
            course.tools.node("node2nix"),
            "-16",
            "-d",
            "-i",
            "package.json",
            "-l",
            "package-lock.json",
            "--registry",
            course.base,
        ],
        lambda: None,
        does="all platforms; writes Nix",
        leaves="fetching or verifying",
        directory=project,
    )
