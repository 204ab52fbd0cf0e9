"""A lock's tarballs from a local server: cold, warm, one of them new, and over TLS."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.fetchers import (
    CURL,
    FETCH,
    GENERATE,
    LIMIT,
    bun,
    curl,
    generate,
    others,
    with_stage,
)
from benchmarks.figures import Table, tabulate
from benchmarks.measure import Contestant, Result, contest, run
from benchmarks.nginx import make_certificate
from npm2nixlite.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from benchmarks.context import Setting
    from benchmarks.fetchers import Course
    from benchmarks.workload import Stock

__all__ = ["bars", "entered", "measure", "subject"]

_BARS = {
    LIMIT: 1 / 1.1,
    "hermeto": 4.0,
    "pnpm fetch": 8.0,
    "npm ci": 15.0,
    "bun install": 1.0,
}
"""Who, by the beginning of the name, and how many times our time theirs is to be at least.

curl alone verifies nothing: sha512 of the same bytes can take longer than its whole download.
"""

_SLOW = ("npm", "yarn", "nix", "pnpm")


def measure(setting: Setting) -> Iterator[Table]:
    """Cold beside everybody; then ourselves warm; then over TLS."""
    with setting.room() as room:
        stock = setting.stock(room)
        yield _cold(setting, stock, room)
        yield _warm(setting, stock, room)
        yield _tls(setting, stock, room)


def subject(setting: Setting, stock: Stock) -> str:
    """What was fetched."""
    return f"{setting.project.name}: {len(stock.paths):,} tarballs, {stock.size / 1e6:.0f} MB"


def entered(
    course: Course, makers: Mapping[str, Callable[[Course], Contestant]]
) -> tuple[dict[str, Contestant], list[Result]]:
    """Contestants, and those that fail before they start, with their message."""
    ready, failed = {}, []
    for name, make in makers.items():
        try:
            ready[name] = make(course)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            failed.append(Result(name, Contestant([], lambda: None), failure=str(error)))
    return ready, failed


def _cold(setting: Setting, stock: Stock, room: Path) -> Table:
    with setting.course(stock, room) as (course, server):
        ready, failed = entered(course, others(course))
        if setting.quick:
            ready = {n: c for n, c in ready.items() if not n.startswith(_SLOW)}
        results = contest(
            {**curl(course), GENERATE: generate(course), **ready},
            setting.runs,
            budget=setting.budget,
            limit=setting.limit,
            watch=server.traffic,
        )
    table = tabulate(
        "fetch",
        "Fetching a lock's packages, every cache cold",
        f"{subject(setting, stock)}, from nginx on the same machine",
        [*with_stage(results), *failed],
        reference=CURL,
        notes=(
            "Who takes longer than the budget for one contestant has fewer runs, or one.",
            "hermeto takes part where it is installed: PyPI does not have it.",
            (
                "bun's --os=* --cpu=* fetches other platforms' packages too, but those of another "
                "libc."
            ),
        ),
    )
    return replace(table, notes=(*table.notes, *bars(table)))


def bars(table: Table) -> list[str]:
    """What is wanted of the fetching, and what was found."""
    # The same ratios as in the table, so that one thing has one number.
    found = {row.name: row.times for row in table.rows if not row.failure and row.times}
    told = []
    for name, ratio in found.items():
        wanted = next((bar for begin, bar in _BARS.items() if name.startswith(begin)), None)
        if wanted is None or FETCH not in found or name == FETCH:
            continue
        times = ratio / found[FETCH]
        # Of curl, the limit, a part; of all others, a multiple.
        said = f"{1 / times:.2f} times" if wanted < 1 else f"{times:.1f} times faster than"
        aim = f"at most {1 / wanted:.2f}" if wanted < 1 else f"at least {wanted:g}"
        verdict = "reached" if times >= wanted else "missed"
        told.append(f"Fetching, verifying and caching: {said} {name} (wanted: {aim}): {verdict}.")
    return told


def _warm(setting: Setting, stock: Stock, room: Path) -> Table:
    with setting.course(stock, room) as (course, server):
        cold = generate(course, name="first")
        warm = generate(course, warm=True, name="warm")
        check = generate(course, "--check", warm=True, name="warm")
        trusting = generate(course, "--trust-lock", name="trusting")
        run(warm)
        changed = generate(course, warm=True, name="changed")
        run(changed)
        cache = Cache(course.scratch / "changed-cache")
        victim = _some_tarball(stock, cache)
        one = replace(changed, prepare=lambda: victim.unlink(missing_ok=True))
        results = contest(
            {
                f"{GENERATE}, cold": cold,
                f"{GENERATE}, one tarball new": one,
                f"{GENERATE}, warm": warm,
                f"{GENERATE} --check, warm": check,
                f"{GENERATE} --trust-lock, cold": trusting,
            },
            setting.runs,
            budget=setting.budget,
            limit=setting.limit,
            watch=server.traffic,
        )
    return tabulate(
        "warm",
        "npm2nixlite generate, the whole process, by what its cache has",
        f"{subject(setting, stock)}, from nginx on the same machine",
        results,
        reference=f"{GENERATE}, warm",
    )


def _some_tarball(stock: Stock, cache: Cache) -> Path:
    """The cached file of a package of middle size."""
    by_size = sorted(
        (cache.path(integrity), integrity)
        for package in stock.lock.packages
        for integrity in package.integrities
        if integrity.algorithm == "sha512"
    )
    files = sorted({path for path, _ in by_size if path.exists()}, key=lambda p: p.stat().st_size)
    return files[len(files) // 2]


def _tls(setting: Setting, stock: Stock, room: Path) -> Table:
    certificate = make_certificate(room, ["127.0.0.1"])
    with setting.course(stock, room, certificate=certificate) as (course, server):
        makers = {"bun install --os=* --cpu=*": lambda c: bun(c, everywhere=True)}
        ready, failed = entered(course, makers)
        results = contest(
            {**curl(course), GENERATE: generate(course), **ready},
            setting.runs,
            budget=setting.budget,
            limit=setting.limit,
            watch=server.traffic,
        )
    return tabulate(
        "tls",
        "Fetching over TLS, every cache cold",
        f"{subject(setting, stock)}, from nginx with a throw-away certificate",
        [*with_stage(results), *failed],
        reference=CURL,
    )
