"""The whole fetch without the network between: from a loopback server, beside curl."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.bench.loopback import serve
from npm2nixlite.bench.rate import Rate
from npm2nixlite.cache import Cache
from npm2nixlite.config.registry import RegistryConfig
from npm2nixlite.errors import FetchError
from npm2nixlite.fetch.job import Failure, Job
from npm2nixlite.files import remove_tree
from npm2nixlite.nix.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.fetch.job import FetchOptions
    from npm2nixlite.integrity import Integrity

__all__ = ["CurlComparison", "versus_curl"]

_MOST_OF_CURL = 300  # what --parallel-max takes in the releases that are about


@dataclass(frozen=True, slots=True)
class CurlComparison:
    """What the runs came to.

    Attributes:
        ours: Fetch, verify and cache, a run each.
        curl: ``curl --parallel`` to files, which checks nothing; empty where it did not run.
        curl_version: None where there is no curl.
        curl_trouble: Why it did not run; empty where it did.
    """

    ours: tuple[Rate, ...]
    curl: tuple[Rate, ...]
    curl_version: str | None
    curl_trouble: str

    def median_of_ours(self) -> Rate:
        """The run in the middle."""
        return _median(self.ours)

    def median_of_curl(self) -> Rate | None:
        """The run in the middle, where there are any."""
        return _median(self.curl) if self.curl else None


def versus_curl(
    tarballs: Sequence[Integrity], cache: Cache, scratch: Path, options: FetchOptions, runs: int
) -> CurlComparison:
    """Fetch tarballs from a loopback server, in turn with curl.

    Args:
        tarballs: Their sha512.
        cache: Has them.
        scratch: A directory for what is fetched; it is removed there after each run.
        options: How to fetch; curl gets as many connections.
        runs: How many of each, from 1.

    Raises:
        FetchError: There is no room for the copies, or what came was not what was served.
    """
    files = [cache.path(sha512) for sha512 in tarballs]
    size = sum(file.stat().st_size for file in files)
    version = tool_version("curl")
    trouble = "there is no curl" if version is None else ""
    ours, curl = [], []
    place = scratch / "again"
    with serve(files) as base:
        for _ in range(runs):
            ours.append(Rate(len(files), size, _fetch(base, tarballs, Cache(place), options)))
            remove_tree(place)
            if trouble:
                continue
            try:
                curl.append(Rate(len(files), size, _curl(base, len(files), place, options)))
            except subprocess.CalledProcessError as error:
                trouble, curl = _complaint(error), []
            remove_tree(place)
    shown = None if version is None else str(version)
    return CurlComparison(tuple(ours), tuple(curl), shown, trouble)


def _median(rates: Sequence[Rate]) -> Rate:
    middle = statistics.median_low(rate.seconds for rate in rates)
    return next(rate for rate in rates if rate.seconds == middle)


def _complaint(error: subprocess.CalledProcessError) -> str:
    """Curl's last word, which stands below its progress where several are fetched at once."""
    lines = [line for line in str(error.stderr).splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("curl:")]
    return (told or lines or [f"status {error.returncode}"])[-1]


def _fetch(base: str, tarballs: Sequence[Integrity], cache: Cache, options: FetchOptions) -> float:
    from npm2nixlite.fetch.pool import fetch_all

    nothing_configured = RegistryConfig({}, Path())  # no credentials, no proxy
    jobs = [
        Job(
            label=str(sha512),
            url=f"{base}{number}",
            integrities=frozenset({sha512}),
            package=None,
            base=None,
            guessed=False,
            config=nothing_configured,
        )
        for number, sha512 in enumerate(tarballs)
    ]
    start = time.perf_counter()
    outcomes = fetch_all(jobs, cache, options)
    seconds = time.perf_counter() - start
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            raise FetchError(outcome.reason, where=outcome.url, hint="--runs 0 goes without it")
    return seconds


def _curl(base: str, count: int, place: Path, options: FetchOptions) -> float:
    place.mkdir()
    config = "".join(f'url = "{base}{number}"\noutput = "{number}"\n' for number in range(count))
    parallel = ["--parallel", "--parallel-max", str(min(options.connections, _MOST_OF_CURL))]
    # -q, first: without the user's own settings, which may know a proxy.
    command = ["curl", "-q", "-sS", "--fail", "--noproxy", "*", *parallel, "-K", "-"]
    start = time.perf_counter()
    subprocess.run(
        command, cwd=place, input=config, capture_output=True, encoding="utf-8", check=True
    )
    return time.perf_counter() - start
