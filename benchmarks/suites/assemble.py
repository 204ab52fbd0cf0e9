"""Tarballs at hand → node_modules: beside npm ci --offline, bun, and tar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.assemble import prepare, unpackers
from benchmarks.fetchers import bun
from benchmarks.figures import Table, tabulate
from benchmarks.measure import Contestant, contest, run
from benchmarks.scratch import clearing
from benchmarks.suites.fetch import entered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.context import Setting
    from benchmarks.fetchers import Course

__all__ = ["measure"]

_HAND = (
    "npm has every tarball in its cache, and every address in the lock. bun has its packages "
    "unpacked in its cache already, and makes hard links to them."
)

_ABOUT = {
    "assemble": ("one platform; unpacks gzip, links bins", ""),
    "npm": ("one platform; verifies, unpacks gzip, links bins", ""),
    "tar": ("copies a finished, uncompressed tree", "unpacking gzip"),
}


def measure(setting: Setting) -> Iterator[Table]:
    """All of them, each with what it unpacks at hand."""
    with setting.room() as room:
        given = prepare(setting.project, room)
        described = {
            _name(name): _described(name, contestant)
            for name, contestant in unpackers(given, room).items()
        }
        stock = setting.stock(room)
        with setting.course(stock, room) as (course, _):
            ready, failed = entered(course, {"bun install, warm cache": _bun})
            results = contest(
                {**described, **ready},
                setting.runs,
                budget=setting.budget,
                limit=setting.limit,
            )
        yield tabulate(
            "assemble",
            "Filling node_modules, tarballs at hand",
            f"{setting.project.name}: {len(given.tarballs):,} tarballs for this platform",
            [*results, *failed],
            reference=_name("assemble"),
            notes=(_HAND,),
        )


def _name(name: str) -> str:
    return f"npm2nixlite.{name}" if name == "assemble" else name


def _described(name: str, contestant: Contestant) -> Contestant:
    does, leaves = _ABOUT.get(name.split(maxsplit=1)[0], ("", ""))
    return replace(contestant, does=does, leaves=leaves)


def _bun(course: Course) -> Contestant:
    cold = bun(course, everywhere=False)
    assert cold.directory is not None
    run(cold)
    return replace(
        cold,
        prepare=clearing(cold.directory / "node_modules"),
        does="one platform; hard links to unpacked files",
        leaves="unpacking",
    )
