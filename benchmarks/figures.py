"""What a run of the benchmarks found, as values: tables of contestants, and growth with size."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Result, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Growth", "Point", "Row", "Series", "Table", "from_json", "slope", "tabulate", "to_json"]


@dataclass(frozen=True)
class Row:
    """One contestant's figures.

    Attributes:
        name: What it is called.
        ours: Whether it is npm2nixlite.
        does: What it does.
        leaves: What it leaves out that others do.
        failure: Its message, where it failed; then there are no figures.
        runs: How many counted.
        seconds: Median wall time.
        lowest: The fastest run's.
        highest: The slowest run's.
        quartiles: Of the wall times, the lower and the upper.
        cpu: Median seconds of processor time.
        peak: Bytes of memory of all its processes at once (PSS).
        times: Median of its runs' ratios to the reference's.
        connections: That it opened; None where that was not watched, as for the next two.
        requests: That it made.
        received: Bytes that it was sent, headers included.
    """

    name: str
    ours: bool = False
    does: str = ""
    leaves: str = ""
    failure: str = ""
    runs: int = 0
    seconds: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0
    quartiles: tuple[float, float] = (0.0, 0.0)
    cpu: float = 0.0
    peak: int = 0
    times: float | None = None
    connections: int | None = None
    requests: int | None = None
    received: int | None = None


@dataclass(frozen=True)
class Table:
    """Contestants side by side.

    Attributes:
        key: A name for files.
        title: What was measured.
        subject: Of what: the lock, the server, the network.
        reference: The row that the ratios are to.
        rows: As they were measured.
        notes: What must be known to read it.
    """

    key: str
    title: str
    subject: str
    reference: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """A measurement at one size: packages, median wall seconds, bytes of memory."""

    size: int
    seconds: float
    peak: int


@dataclass(frozen=True)
class Series:
    """How one thing grows.

    Attributes:
        name: What was measured.
        points: By size.
        failure: What ended it early, if anything did.
    """

    name: str
    points: tuple[Point, ...]
    failure: str = ""

    def slopes(self) -> tuple[float | None, float | None]:
        """Of time and of memory, see `slope`."""
        return (
            slope([(point.size, point.seconds) for point in self.points]),
            slope([(point.size, point.peak) for point in self.points]),
        )


@dataclass(frozen=True)
class Growth:
    """How things grow with the number of packages."""

    key: str
    title: str
    subject: str
    series: tuple[Series, ...]
    notes: tuple[str, ...] = field(default=())


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """The steepest step on a log-log plot: 1 is linear, more grows faster than its input.

    The steps are taken between neighbouring sizes of at least 1,000; below, starting up counts
    for more than the work. Where there are none, the last step; None for fewer than two points.
    """
    ordered = sorted(point for point in points if point[1] > 0)
    steps = [
        (math.log(after[1] / before[1]) / math.log(after[0] / before[0]), before[0])
        for before, after in itertools.pairwise(ordered)
    ]
    telling = [step for step, size in steps if size >= 1000]
    if telling:
        return max(telling)
    return steps[-1][0] if steps else None


def tabulate(
    key: str,
    title: str,
    subject: str,
    results: Sequence[Result],
    *,
    reference: str,
    ours: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Table:
    """Figures of results.

    Args:
        key: See `Table`, as for the next two.
        title: What was measured.
        subject: Of what.
        results: One for each contestant.
        reference: The name of the one that the ratios are to.
        ours: Names of those that are npm2nixlite; by default those that begin with it.
        notes: What must be known to read it.
    """
    base = next((result.samples for result in results if result.name == reference), ())
    rows = tuple(
        _row(result, base, ours=result.name in ours or result.name.startswith("npm2nixlite"))
        for result in results
    )
    return Table(key, title, subject, reference, rows, tuple(notes))


def _row(result: Result, base: Sequence[Any], *, ours: bool) -> Row:
    about = Row(result.name, ours, result.contestant.does, result.contestant.leaves, result.failure)
    if result.failure or not result.samples:
        return about
    times = [sample.seconds for sample in result.samples]
    middle = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    trial = result.trial
    traffic = None if trial is None else trial.traffic
    return Row(
        about.name,
        ours,
        about.does,
        about.leaves,
        runs=len(times),
        seconds=statistics.median(times),
        lowest=min(times),
        highest=max(times),
        quartiles=(middle[0], middle[2]),
        cpu=statistics.median(sample.cpu for sample in result.samples),
        peak=0 if trial is None else trial.tree_peak,
        times=ratio(result.samples, base) if base else None,
        connections=None if traffic is None else traffic.connections,
        requests=None if traffic is None else traffic.requests,
        received=None if traffic is None else traffic.sent,
    )


def to_json(item: Table | Growth) -> dict[str, Any]:
    """For a file."""
    if isinstance(item, Table):
        return {"kind": "table", **asdict(item)}
    return {
        "kind": "growth",
        **asdict(item),
        "slopes": {series.name: series.slopes() for series in item.series},
    }


def from_json(value: dict[str, Any]) -> Table | Growth:
    """What `to_json` made."""
    if value["kind"] == "table":
        rows = (Row(**{**row, "quartiles": tuple(row["quartiles"])}) for row in value["rows"])
        return Table(
            value["key"],
            value["title"],
            value["subject"],
            value["reference"],
            tuple(rows),
            tuple(value["notes"]),
        )
    series = (
        Series(one["name"], tuple(Point(**p) for p in one["points"]), one["failure"])
        for one in value["series"]
    )
    return Growth(
        value["key"], value["title"], value["subject"], tuple(series), tuple(value["notes"])
    )
