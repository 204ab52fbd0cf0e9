"""Time and memory against the number of packages, of made-up projects."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.fetchers import fetch_seconds
from benchmarks.figures import Growth, Point, Series
from benchmarks.measure import Contestant, contest, part_of
from benchmarks.nginx import serve
from benchmarks.scratch import clearing
from benchmarks.suites.evaluate import evaluation
from benchmarks.synthetic import Synthetic, make
from npm2nixlite.verify.npm import installed_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.context import Setting

__all__ = ["measure"]

_WHOLE = (
    "Each is a whole process but the fetching, which is from the first request to the last file in "
    "the cache; its memory is the whole process's."
)

_SIZES = (100, 1_000, 10_000, 50_000)
_COLD = "generate, cold"
_QUICK = (100, 1_000, 4_000)
_SOURCES = (
    'map (s: s.drvPath) (import {file} {{ registry = "https://registry.example/"; }}).sources'
)


def measure(setting: Setting) -> Iterator[Growth]:
    """All sizes, smallest first."""
    points: dict[str, list[Point]] = {}
    failures: dict[str, str] = {}
    for size in _QUICK if setting.quick else _SIZES:
        with setting.room() as room:
            made = make(size, room)
            with serve(made.tarballs, room) as base:
                results = contest(
                    {
                        name: contestant
                        for name, contestant in _contestants(made, room, base).items()
                        if name not in failures
                    },
                    min(setting.runs, 3),
                    budget=setting.budget,
                    limit=setting.limit,
                )
        whole = next((r for r in results if r.name == _COLD and not r.failure), None)
        parts = [] if whole is None else [part_of(whole, "fetch", "", "", fetch_seconds)]
        for result in [*parts, *results]:
            if result.failure:
                failures[result.name] = result.failure
                continue
            times = sorted(sample.seconds for sample in result.samples)
            trial = result.trial
            peak = 0 if trial is None else trial.tree_peak
            points.setdefault(result.name, []).append(Point(size, times[len(times) // 2], peak))
    names = dict.fromkeys([*points, *failures])
    yield Growth(
        "growth",
        "How time and memory grow with the number of packages",
        "made-up projects, from nginx on the same machine",
        tuple(Series(name, tuple(points.get(name, ())), failures.get(name, "")) for name in names),
        notes=(
            "Memory is that of all processes at once, what they share counted once.",
            _WHOLE,
        ),
    )


def _contestants(made: Synthetic, room: Path, base: str) -> dict[str, Contestant]:
    cold, output = room / "cold", room / "node-packages.nix"
    program = [sys.executable, "-m", "npm2nixlite", "generate", str(made.project), "--json"]
    program += ["--registry", base, "-o", str(output), "--cache-dir", str(cold)]
    home = {"HOME": str(room), "npm_config_registry": base}
    generate = Contestant(program, clearing(cold), environment=home)
    manifest = room / "manifest.json"
    manifest.write_text(json.dumps(_manifest(made)))
    tree = room / "tree"
    assemble = [sys.executable, "-m", "npm2nixlite.assemble", str(manifest), str(tree)]
    return {
        _COLD: generate,
        "generate, warm": replace(generate, prepare=lambda: None),
        "evaluate": evaluation(_SOURCES.format(file=output), room),
        "assemble": Contestant(assemble, clearing(tree)),
    }


def _manifest(made: Synthetic) -> Mapping[str, object]:
    versions = installed_versions()
    return {
        "packages": {path: {"tarball": str(file)} for path, file in made.files.items()},
        "os": "linux",
        "cpu": "x64",
        "libc": "glibc",
        "node": versions.node,
        "npm": versions.npm,
        "lock": str(made.project / "package-lock.json"),
        "packageJson": str(made.project / "package.json"),
    }
