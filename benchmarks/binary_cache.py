"""Priming a store and pushing to a cache, beside Nix doing the same with the same tarballs.

Whole processes are measured, their start included:

- `npm2nixlite prime` puts the tarballs from the download cache into an empty store; `nix-build`
  fetches the same fixed-output derivations from nginx into another, 16 at a time;
- `npm2nixlite push` sends them to an empty cache, then again where there is nothing to do;
  `nix copy` sends the same store paths, without compression, and with its own default, xz.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import Contestant
from benchmarks.scratch import clearing
from benchmarks.workload import KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.measure import Result

__all__ = [
    "AGAIN",
    "BARS",
    "BUILD",
    "COPY",
    "COPY_XZ",
    "MOST_SECONDS_AGAIN",
    "PRIME",
    "PUSH",
    "check",
    "contestants",
    "store_paths",
]

_CONFIG = """\
experimental-features = nix-command flakes
build-users-group =
sandbox = false
substituters =
narinfo-cache-positive-ttl = 0
narinfo-cache-negative-ttl = 0
"""

PRIME = "npm2nixlite prime"
BUILD = "nix-build, fetching"
PUSH = "npm2nixlite push"
AGAIN = "npm2nixlite push, nothing to do"
COPY = "nix copy, no compression"
COPY_XZ = "nix copy, its default (xz)"

BARS = {(PRIME, BUILD): 10.0, (PUSH, COPY): 2.0, (PUSH, COPY_XZ): 20.0}
"""Ours, theirs, and how many times faster ours is to be."""

MOST_SECONDS_AGAIN = 1.0


def contestants(
    file: Path, paths: Sequence[str], served: str, taken: str, scratch: Path
) -> tuple[dict[str, Contestant], dict[str, Contestant]]:
    """What is measured: what is run several times, and what is run once."""
    www = scratch / "www"

    def nix(store: str, *command: str) -> list[str]:
        settings = {
            "NIX_REMOTE": str(scratch / store),
            "NIX_CONFIG": _CONFIG,
            "XDG_CACHE_HOME": str(scratch / "nix-cache"),
        }
        return ["env", *(f"{name}={value}" for name, value in settings.items()), *command]

    program = [sys.executable, "-m", "npm2nixlite"]
    ours = ["--cache-dir", str(KEPT), "--offline", "--json", str(file)]
    again = [*program, "push", "--to", f"{taken}again", *ours]
    full = nix("full", *program, "prime", *ours)
    for command in (again, full):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    copy = nix("full", "nix", "copy", "--quiet", "--to")
    sources = ["--quiet", "--no-out-link", "-A", "sources", "--argstr", "registry", served]
    fast = {
        PRIME: Contestant(nix("primed", *program, "prime", *ours), clearing(scratch / "primed")),
        PUSH: Contestant([*program, "push", "--to", f"{taken}push", *ours], clearing(www / "push")),
        AGAIN: Contestant(again, lambda: None),
        COPY: Contestant([*copy, f"{taken}copy?compression=none", *paths], clearing(www / "copy")),
    }
    slow = {
        BUILD: Contestant(
            nix("built", "nix-build", str(file), "-j16", *sources), clearing(scratch / "built")
        ),
        COPY_XZ: Contestant([*copy, f"{taken}copy-xz", *paths], clearing(www / "copy-xz")),
    }
    return fast, slow


def check(results: Iterable[Result], tarballs: int) -> None:
    """Make sure that each run of ours did what it is measured for."""
    for result in results:
        for sample in result.samples:
            if result.name == PRIME:
                assert json.loads(sample.output)["added"] == tarballs, sample.output
            elif result.name in (PUSH, AGAIN):
                key = "sent" if result.name == PUSH else "present"
                [store] = json.loads(sample.output)["stores"]
                assert store["tarballs"][key] == tarballs, sample.output


def store_paths(file: Path, registry: str) -> list[str]:
    """What Nix itself says the store paths of all sources of a generated file are."""
    expression = f'map (s: s.outPath) (import {file} {{ registry = "{registry}"; }}).sources'
    answer = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", "--expr", expression],
        check=True,
        capture_output=True,
    )
    return sorted(set(json.loads(answer.stdout)))
