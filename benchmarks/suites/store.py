"""Lock → node_modules in the Nix store, in the sandbox: beside npm ci --offline there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.assemble import builders, prepare
from benchmarks.figures import Table, tabulate
from benchmarks.measure import contest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.setting import Setting

__all__ = ["measure"]

_LIKE = (
    "The other derivation does what nixpkgs' buildNpmPackage does: npm ci --offline with a "
    "prefetched cache as its input. CPU and memory are those of nix-build and what it ran."
)


def measure(setting: Setting) -> Iterator[Table]:
    """Both derivations, with all that they need in the store."""
    if setting.scratch.is_relative_to("/dev"):  # which Nix's sandbox hides behind its own
        setting = replace(setting, scratch=Path("/var/tmp"))  # noqa: S108 (a directory inside it)
    with setting.room() as room:
        given = prepare(setting.project, room)
        found = builders(given, room)
        ours, theirs = found
        contestants = {
            ours: replace(found[ours], does="unpacks, links bins, registers the result"),
            theirs: replace(
                found[theirs], does="copies an npm cache, runs npm ci, registers the result"
            ),
        }
        if setting.quick:
            del contestants[theirs]
        results = contest(
            contestants,
            min(setting.runs, 5),
            budget=setting.budget,
            limit=setting.limit,
        )
    yield tabulate(
        "store",
        "From a lock to node_modules in the Nix store",
        f"{setting.project.name}: {len(given.tarballs):,} tarballs, in the store before; sandboxed",
        results,
        reference=ours,
        ours=[ours],
        notes=(_LIKE,),
    )
