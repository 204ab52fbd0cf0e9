"""Fetch a lock's tarballs from a local nginx: beside curl, cold and warm.

    python -m benchmarks.fetch [PROJECT] [--runs N] [--output FILE.json]

The tarballs are fetched once from the real registry, into a cache that is kept, and served from a
copy in TMPDIR, where everybody writes, too. Then, in turn, with every cache of theirs cold:

- `curl --parallel --parallel-max 64` downloads all of them to files, and checks nothing: the limit;
- `npm2nixlite generate` fetches, verifies and caches them, and writes node-packages.nix: the whole
  process, its start included, and of that the fetching, from the first request to the last file
  verified and in the cache; and
- `npm2nixlite generate --check` again, with a warm cache.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Contestant, Sample, interleave, median, ratio
from benchmarks.nginx import serve
from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions, generate
from npm2nixlite.integrity import parse_integrity
from npm2nixlite.render.read import read_node_packages

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KEPT", "ROOT", "lay_out", "main"]

_COLD = "npm2nixlite generate, cold"
_STAGE = "of that, fetch + verify + cache"
ROOT = Path(__file__).parents[1]

KEPT = Path.home() / ".cache/npm2nixlite-benchmarks"
"""A download cache of the benchmarks' own."""


def lay_out(project: Path, served: Path, output: Path | None = None) -> list[str]:
    """Fetch a lock's tarballs once; lay them out as a registry does.

    Args:
        project: Where the lock is.
        served: Where the tarballs go.
        output: Where the generated file goes, if anywhere.

    Returns:
        The tarballs' paths below ``served``.
    """
    cache = Cache(KEPT)
    generated, _ = generate([project], cache, GenerateOptions(fetch=FetchOptions()))
    if output is not None:
        output.write_text(generated[0].text)
    paths = []
    packages = read_node_packages(generated[0].text, "node-packages.nix").packages.values()
    for path, integrity in sorted({(p["path"], p["hash"]) for p in packages if "path" in p}):
        (sha512,) = parse_integrity(str(integrity))
        target = served / str(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cache.path(sha512), target)
        paths.append(str(path))
    return paths


def contestants(
    project: Path, paths: Sequence[str], base: str, scratch: Path
) -> dict[str, Contestant]:
    """What is measured."""
    files, cold, warm = scratch / "files", scratch / "cold", scratch / "warm"
    config = scratch / "curl.config"
    config.write_text(
        "".join(f'url = "{base}{path}"\noutput = "{files}/{n}"\n' for n, path in enumerate(paths))
    )

    def empty(directory: Path) -> None:
        # Moved away, not removed: ext4 is slow to reuse what was removed a moment ago.
        if directory.exists():
            directory.rename(Path(tempfile.mkdtemp(dir=scratch)) / "used")
        directory.mkdir()

    program = [sys.executable, "-m", "npm2nixlite", "generate", str(project), "--json"]
    output = ["-o", str(scratch / "node-packages.nix"), "--registry", base]
    subprocess.run(
        [*program, *output, "--cache-dir", str(warm)], check=True, stdout=subprocess.DEVNULL
    )
    return {
        "curl": Contestant(
            ["curl", "-sS", "--fail", "--parallel", "--parallel-max", "64", "-K", str(config)],
            lambda: empty(files),
        ),
        _COLD: Contestant([*program, *output, "--cache-dir", str(cold)], lambda: empty(cold)),
        "npm2nixlite generate --check, warm": Contestant(
            [*program, *output, "--cache-dir", str(warm), "--check"], lambda: None
        ),
    }


def report(name: str, samples: Sequence[Sample], reference: Sequence[Sample]) -> dict[str, object]:
    """One contestant's figures."""
    return {
        "name": name,
        "medianSeconds": round(median(samples), 3),
        "minSeconds": round(min(sample.seconds for sample in samples), 3),
        "maxSeconds": round(max(sample.seconds for sample in samples), 3),
        "cpuSeconds": round(statistics.median(sample.cpu for sample in samples), 3),
        "peakMegabytes": round(max(sample.peak for sample in samples) / 1e6, 1),
        "ratioToCurl": round(ratio(samples, reference), 2),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "project", nargs="?", type=Path, default=ROOT / "fixtures/explorer-frontend"
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--output", type=Path, help="write the figures there as JSON, too")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="npm2nixlite-") as directory:
        scratch = Path(directory)
        paths = lay_out(parsed.project, scratch / "served")
        size = sum((scratch / "served" / path).stat().st_size for path in paths)
        with serve(scratch / "served", scratch) as base:
            samples = interleave(contestants(parsed.project, paths, base, scratch), parsed.runs)
    samples[_STAGE] = [
        replace(sample, seconds=json.loads(sample.output)["fetch"]["fetchSeconds"])
        for sample in samples[_COLD]
    ]
    rows = [report(name, values, samples["curl"]) for name, values in samples.items()]
    print(f"{len(paths):,} tarballs, {size / 1e6:.1f} MB, {parsed.runs} runs in turn\n")
    print("| | median s | min–max s | CPU s | peak MB | to curl |\n|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['name']} | {row['medianSeconds']} | {row['minSeconds']}–{row['maxSeconds']} "
            f"| {row['cpuSeconds']} | {row['peakMegabytes']} | {row['ratioToCurl']} |"
        )
    if parsed.output:
        figures = {"tarballs": len(paths), "bytes": size, "runs": parsed.runs, "contestants": rows}
        parsed.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
