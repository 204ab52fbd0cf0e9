"""Fetching over a network: latency, and bandwidth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fetchers import CURL, GENERATE, bun, curl, generate, npm, pnpm, with_stage
from benchmarks.figures import Table, tabulate
from benchmarks.link import missing, open_link
from benchmarks.measure import contest
from benchmarks.subsets import cut
from benchmarks.suites.fetch import entered, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.context import Setting
    from benchmarks.fetchers import Course
    from benchmarks.measure import Contestant
    from benchmarks.workload import Stock

__all__ = ["measure"]

_PATH = (
    "A path of its own through two network namespaces: packets are late by half the round-trip "
    "time each way, without loss or jitter; bandwidth is the server's, for all connections "
    "together (tbf). It stands for one registry at that distance, with nothing else on the way."
)

_LATENCIES = (0, 20, 100)  # milliseconds, with all the bandwidth there is
_BANDWIDTHS = (1000, 100, 10)  # megabits a second, at 20 ms
_AT = 20
_TRANSFER = 6.0  # seconds that all tarballs may take at the full bandwidth


def measure(setting: Setting) -> Iterator[Table]:
    """First at several latencies, then at several bandwidths.

    Raises:
        RuntimeError: There can be no network of the benchmark's own here.
    """
    if reason := missing():
        raise RuntimeError(f"no network can be set up: {reason}")
    with setting.room() as room:
        stock = setting.stock(room)
        for milliseconds in _LATENCIES if not setting.quick else (20,):
            yield _over(setting, stock, room, milliseconds, None)
        for megabits in _BANDWIDTHS if not setting.quick else (100,):
            small = _fitting(setting, stock, room, int(megabits / 8 * 1e6 * _TRANSFER))
            yield _over(setting, small, room, _AT, megabits)


def _fitting(setting: Setting, stock: Stock, room: Path, most: int) -> Stock:
    """The lock, or as much of it as is through in a few seconds."""
    if stock.size <= most:
        return stock
    sizes = {
        path: (stock.tarballs / below).stat().st_size for path, below in stock.addresses.items()
    }
    into = room / f"cut-{most}" / setting.project.name
    cut(stock.project, sizes, most, into)
    return replace(setting, project=into).stock(into.parent)


def _over(
    setting: Setting, stock: Stock, room: Path, milliseconds: int, megabits: int | None
) -> Table:
    # Where all wait for the same bytes, it is enough to see the fastest of them.
    makers: dict[str, Callable[[Course], Contestant]] = {
        "bun install --os=* --cpu=*": lambda c: bun(c, everywhere=True),
        "pnpm fetch": pnpm,
        "npm ci": npm,
    }
    if setting.quick or megabits is not None:
        makers = {name: make for name, make in makers.items() if name.startswith("bun")}
    with (
        open_link(milliseconds, megabits) as link,
        setting.course(
            stock, room, host=link.host, server_within=link.server, within=link.client
        ) as (course, server),
    ):
        ready, failed = entered(course, makers)
        results = contest(
            {**curl(course), GENERATE: generate(course), **ready},
            min(setting.runs, 3),
            budget=setting.budget / 3,
            limit=setting.limit,
            watch=server.traffic,
        )
    control = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    width = "" if megabits is None else f", {megabits:,} Mbit/s"
    key = f"latency-{milliseconds}" if megabits is None else f"bandwidth-{megabits}"
    floor = "" if megabits is None else f", at least {stock.size * 8 / megabits / 1e6:.1f} s"
    return tabulate(
        key,
        f"Fetching over {milliseconds} ms{width}, every cache cold",
        f"{subject(setting, stock)}{floor}",
        [*with_stage(results), *failed],
        reference=CURL,
        notes=(
            f"{_PATH} TCP's congestion control is {control}.",
            "The process that carries the packets takes a third of a core at full speed.",
            *(
                [f"A part of the lock: what is through in {_TRANSFER:.0f} s at that bandwidth."]
                if megabits is not None and stock.project != setting.project
                else []
            ),
        ),
    )
