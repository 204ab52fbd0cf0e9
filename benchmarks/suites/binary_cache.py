"""Prime and push: beside Nix fetching the same, and nix copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks import binary_cache
from benchmarks.figures import Table, tabulate
from benchmarks.measure import contest
from benchmarks.nginx import serve
from benchmarks.workload import lay_out
from npm2nixlite.node_packages.names import OUTPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.context import Setting

__all__ = ["measure"]

_ABOUT = {
    binary_cache.PRIME: ("from the download cache; verifies, registers", ""),
    binary_cache.BUILD: ("16 derivations at once; downloads, verifies, registers", ""),
    binary_cache.PUSH: ("uncompressed NARs, from the download cache", ""),
    binary_cache.AGAIN: ("asks the cache what it has", ""),
    binary_cache.COPY: ("uncompressed NARs, from a store", ""),
    binary_cache.COPY_XZ: ("NARs packed by xz, from a store", ""),
}


def measure(setting: Setting) -> Iterator[Table]:
    """Two tables: into the store, and to a binary cache."""
    with setting.room() as room:
        for name in ("served", "www", "serving", "taking"):
            (room / name).mkdir()
        tarballs = lay_out(setting.project, room / "served", room / OUTPUT_NAME)
        size = sum((room / "served" / path).stat().st_size for path in tarballs)
        with (
            serve(room / "served", room / "serving") as served,
            serve(room / "www", room / "taking", uploads=True) as taken,
        ):
            paths = binary_cache.store_paths(room / OUTPUT_NAME, served)
            fast, slow = binary_cache.contestants(room / OUTPUT_NAME, paths, served, taken, room)
            entrants = {
                name: replace(contestant, does=_ABOUT[name][0], leaves=_ABOUT[name][1])
                for name, contestant in {**fast, **({} if setting.quick else slow)}.items()
            }
            subject = f"{setting.project.name}: {len(tarballs):,} tarballs, {size / 1e6:.0f} MB"
            for key, title, names in (
                ("prime", "Putting tarballs into the local Nix store", _PRIMING),
                ("push", "Pushing tarballs to a binary cache on the same machine", _PUSHING),
            ):
                chosen = {name: c for name, c in entrants.items() if name in names}
                results = contest(
                    chosen, min(setting.runs, 5), budget=setting.budget, limit=setting.limit
                )
                binary_cache.check(results, len(tarballs))
                table = tabulate(key, title, subject, results, reference=names[0])
                yield replace(table, notes=(*table.notes, *bars(table)))


def bars(table: Table) -> list[str]:
    """What is wanted of priming and pushing, and what was found."""
    found = {row.name: row.seconds for row in table.rows if not row.failure}
    told = []
    for (ours, theirs), wanted in binary_cache.BARS.items():
        if ours in found and theirs in found:
            times = found[theirs] / found[ours]
            verdict = "reached" if times >= wanted else "missed"
            told.append(
                f"{ours}: {times:.2f} times faster than {theirs} "
                f"(wanted: at least {wanted:g}): {verdict}."
            )
    idle = found.get(binary_cache.AGAIN)
    if idle is not None:
        most = binary_cache.MOST_SECONDS_AGAIN
        verdict = "reached" if idle <= most else "missed"
        told.append(f"{binary_cache.AGAIN}: {idle:.2f} s (wanted: at most {most:g}): {verdict}.")
    return told


_PRIMING = (binary_cache.PRIME, binary_cache.BUILD)
_PUSHING = (binary_cache.PUSH, binary_cache.AGAIN, binary_cache.COPY, binary_cache.COPY_XZ)
