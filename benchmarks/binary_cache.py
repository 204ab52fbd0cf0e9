"""Priming a store and pushing to a cache, beside Nix doing the same with the same tarballs.

    python -m benchmarks.binary_cache [PROJECT] [--runs N] [--skip-slow] [--output FILE.json]

The tarballs are fetched once from the real registry, into a cache that is kept, and served by a
local nginx; another one takes uploads. All that is written is written in TMPDIR. Whole processes
are measured, their start included:

- `npm2nixlite prime` puts the tarballs from the download cache into an empty store; `nix-build`
  fetches the same fixed-output derivations from nginx into another, 16 at a time;
- `npm2nixlite push` sends them to an empty cache, then again where there is nothing to do;
  `nix copy` sends the same store paths, without compression, and with its own default, xz.

What takes a minute or more is run once; the others in turn, after one run each that does not count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Contestant, Sample, interleave, median, ratio, run
from benchmarks.nginx import serve
from benchmarks.scratch import clearing
from benchmarks.stock import KEPT, lay_out
from npm2nixlite.generate import OUTPUT_NAME
from npm2nixlite.tools import tool_version

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AGAIN",
    "BUILD",
    "COPY",
    "COPY_XZ",
    "PRIME",
    "PUSH",
    "contestants",
    "main",
    "store_paths",
]

_ROOT = Path(__file__).parents[1]
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


def check(samples: dict[str, list[Sample]], tarballs: int) -> None:
    """Make sure that each run did what it is measured for."""
    for name, key, part in ((PRIME, "added", ""), (PUSH, "sent", "tarballs")):
        for sample in samples[name]:
            told = json.loads(sample.output)
            assert (told[part] if part else told)[key] == tarballs, told
    for sample in samples[AGAIN]:
        assert json.loads(sample.output)["tarballs"]["present"] == tarballs


def comparisons(samples: dict[str, list[Sample]]) -> dict[str, float]:
    """How many times faster ours is than theirs; run by run, where theirs ran as often."""
    found = {}
    for ours, theirs in BARS:
        if theirs in samples:
            reference, mine = samples[theirs], samples[ours]
            times = (
                ratio(reference, mine)
                if len(reference) == len(mine)
                else median(reference) / median(mine)
            )
            found[f"{ours} : {theirs}"] = round(times, 2)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 1 where a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "project", nargs="?", type=Path, default=_ROOT / "fixtures/explorer-frontend"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--skip-slow", action="store_true", help="leave out what takes a minute")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON, too")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="npm2nixlite-") as directory:
        scratch = Path(directory)
        for name in ("served", "www", "serving", "taking"):
            (scratch / name).mkdir()
        tarballs = lay_out(parsed.project, scratch / "served", scratch / OUTPUT_NAME)
        size = sum((scratch / "served" / path).stat().st_size for path in tarballs)
        with (
            serve(scratch / "served", scratch / "serving") as served,
            serve(scratch / "www", scratch / "taking", uploads=True) as taken,
        ):
            paths = store_paths(scratch / OUTPUT_NAME, served)
            fast, slow = contestants(scratch / OUTPUT_NAME, paths, served, taken, scratch)
            samples = interleave(fast, parsed.runs)
            if not parsed.skip_slow:
                samples |= {name: [run(contestant)] for name, contestant in slow.items()}
        check(samples, len(paths))
        return _report(samples, len(paths), size, parsed)


def store_paths(file: Path, registry: str) -> list[str]:
    """What Nix itself says the store paths of all sources of a generated file are."""
    expression = f'map (s: s.outPath) (import {file} {{ registry = "{registry}"; }}).sources'
    answer = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", "--expr", expression],
        check=True,
        capture_output=True,
    )
    return sorted(set(json.loads(answer.stdout)))


def _report(
    samples: dict[str, list[Sample]], tarballs: int, size: int, parsed: argparse.Namespace
) -> int:
    rows = [
        {
            "name": name,
            "runs": len(values),
            "medianSeconds": round(median(values), 3),
            "minSeconds": round(min(sample.seconds for sample in values), 3),
            "maxSeconds": round(max(sample.seconds for sample in values), 3),
            "cpuSeconds": round(statistics.median(sample.cpu for sample in values), 3),
            "peakMegabytes": round(max(sample.peak for sample in values) / 1e6, 1),
        }
        for name, values in samples.items()
    ]
    print(f"{tarballs:,} tarballs, {size / 1e6:.1f} MB; Nix {tool_version('nix')}\n")
    print("| | runs | median s | min–max s | CPU s | peak MB |\n|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['name']} | {row['runs']} | {row['medianSeconds']} "
            f"| {row['minSeconds']}–{row['maxSeconds']} | {row['cpuSeconds']} "
            f"| {row['peakMegabytes']} |"
        )
    print()
    times = comparisons(samples)
    for (ours, theirs), bar in BARS.items():
        if (found := times.get(f"{ours} : {theirs}")) is not None:
            print(f"{ours} is {found} times faster than {theirs} (wanted: {bar:g})")
    idle = median(samples[AGAIN])
    print(f"{AGAIN}: {idle:.2f} s (wanted: {MOST_SECONDS_AGAIN:g} at most)")
    if parsed.output:
        figures = {"tarballs": tarballs, "bytes": size, "contestants": rows, "timesFaster": times}
        parsed.output.write_text(json.dumps(figures, indent=2) + "\n")
    missed = idle > MOST_SECONDS_AGAIN or any(
        times.get(f"{ours} : {theirs}", bar) < bar for (ours, theirs), bar in BARS.items()
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
