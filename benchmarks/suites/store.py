"""Lock → node_modules in the Nix store, in the sandbox: beside npm ci --offline there."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.assemble import builders, prepare
from benchmarks.figures import Table, tabulate
from benchmarks.measure import contest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.context import Setting

__all__ = ["measure"]

_LIKE = (
    "The other derivation does what nixpkgs' buildNpmPackage does: npm ci --offline with a "
    "prefetched cache as its input. CPU and memory are those of nix-build and what it ran."
)


@contextmanager
def _scratch(setting: Setting) -> Iterator[Path]:
    """Where the setting has it; but not in /dev, which Nix's sandbox hides behind its own.

    What is a RAM disk there shall be one elsewhere; on ext4, the files that a build deletes when it
    ends would slow down the next one's.
    """
    if not setting.scratch.is_relative_to("/dev"):
        yield setting.scratch
        return
    directory = tempfile.mkdtemp(prefix="npm2nixlite-", dir="/var/tmp")
    mount = ["mount", "-t", "tmpfs", "-o", "size=75%", "tmpfs", directory]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
    try:
        yield Path(directory)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", directory], check=False)
        Path(directory).rmdir()


def measure(setting: Setting) -> Iterator[Table]:
    """Both derivations, with all that they need in the store."""
    with _scratch(setting) as scratch, replace(setting, scratch=scratch).room() as room:
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
