"""Figures as Markdown: the whole page, and the short tables of docs/speed.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.figures import Growth, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["page", "seconds", "size", "summary"]

_HEAD = (
    "| | runs | median s | quartiles | CPU s | peak | times | connections | requests | received |"
)
_RULE = "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"

_INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks --publish`; do not edit. All contestants of a table ran in turn,
run by run, on one machine, each with caches of its own, after a run that does not count. `times` is
the median of a contestant's runs' ratios to the run of the row in bold beside it. CPU is user and
system time of all of a contestant's processes; peak is the memory of all of them at once, what they
share counted once. Connections, requests and bytes are what the server's own log has of one run.
Absolute times vary with the machine; the ratios are what to compare.
[profiling.md](profiling.md) says where the time goes.
"""


def seconds(value: float) -> str:
    """Two digits that count, at least."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def size(value: float) -> str:
    """Bytes, as MB or GB."""
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def page(
    items: Sequence[tuple[Mapping[str, Any], Table | Growth]],
    failures: Mapping[str, str],
    plots: str,
) -> str:
    """The whole page.

    Args:
        items: Each with its suite's entry: machine and command.
        failures: Suite → what ended it.
        plots: Where the plots are, relative to the page.
    """
    parts = [_INTRODUCTION]
    for entry, item in items:
        parts.append(
            f"## {item.title}\n\n{item.subject}.\n\n![{item.title}]({plots}{item.key}.svg)"
        )
        parts.append(_table(item) if isinstance(item, Table) else _growth(item))
        if item.notes:
            parts.append("\n".join(f"- {note}" for note in item.notes))
        parts.append(f"{_where(entry)}: `{entry['command']}`")
    parts += [f"The suite `{name}` failed: {message}" for name, message in failures.items()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _where(entry: Mapping[str, Any]) -> str:
    host = entry["machine"]
    memory = host["memoryBytes"] / 2**30
    return (
        f"{host['date']}, {host['cores']} cores of {host['processor']}, {memory:.0f} GB, "
        f"Linux {host['kernel']}, all files on {host['fileSystem']}, "
        f"load {host['load']:.1f} before, commit {host['commit']}"
    )


def _table(table: Table) -> str:
    return "\n".join([_HEAD, _RULE, *(_line(row, table.reference) for row in table.rows)])


def _line(row: Row, reference: str) -> str:
    name = f"**{_cell(row.name)}**" if row.name == reference else _cell(row.name)
    about = "; ".join(filter(None, [row.does, row.leaves and f"without {row.leaves}"]))
    name = f"{name}<br>{about}" if about else name
    if row.failure:
        return f"| {name} | failed: {_cell(row.failure)} |" + " |" * 8
    spread = f"{seconds(row.quartiles[0])}–{seconds(row.quartiles[1])}" if row.runs > 1 else ""
    times = "" if row.times is None else f"{row.times:.2f}"
    counts = [row.connections, row.requests]
    counted = ["" if count is None else f"{count:,}" for count in counts]
    received = "" if row.received is None else size(row.received)
    cells = [name, str(row.runs), seconds(row.seconds), spread, seconds(row.cpu), size(row.peak)]
    return f"| {' | '.join([*cells, times, *counted, received])} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def _growth(growth: Growth) -> str:
    lines = ["| | packages | seconds | peak | steepest slope, time | memory |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for series in growth.series:
        time, memory = (("" if s is None else f"{s:.2f}") for s in series.slopes())
        for number, point in enumerate(series.points):
            last = number == len(series.points) - 1
            ends = f"{time} | {memory}" if last else " | "
            lines.append(
                f"| {series.name} | {point.size:,} | {seconds(point.seconds)} "
                f"| {size(point.peak)} | {ends} |"
            )
        if series.failure:
            lines.append(f"| {series.name} | | failed: {_cell(series.failure)} | | | |")
    return "\n".join(lines)


_SHORT = ("fetch", "generate", "assemble", "store", "prime", "push")
_PICTURES = ("fetch", "assemble", "growth")


def summary(items: Iterable[tuple[Mapping[str, Any], Table | Growth]]) -> str:
    """The part of docs/speed.md: the plots that say most, and short tables."""
    known = {item.key: (entry, item) for entry, item in items}
    parts: list[str] = []
    where: dict[str, None] = {}  # said once for all that were measured alike
    for key in dict.fromkeys([*_SHORT, *_PICTURES]):
        if key not in known:
            continue
        entry, item = known[key]
        parts.append(f"**{item.title}**: {item.subject}.")
        if key in _PICTURES:
            parts.append(f"![{item.title}](benchmarks/{key}.svg)")
        if isinstance(item, Table):
            parts.append(_short(item))
        where[f"{_where(entry)}: `{entry['command']}`."] = None
    parts += ["Measured " + "\n\n".join(where)] if where else []
    parts.append("[benchmarks.md](benchmarks.md) has all figures and plots.")
    return "\n\n".join(parts)


def _short(table: Table) -> str:
    lines = ["| | median s | times |", "|---|---:|---:|"]
    for row in sorted(table.rows, key=lambda row: row.seconds or float("inf")):
        times = "" if row.times is None else f"{row.times:.2f}"
        name = f"**{_cell(row.name)}**" if row.ours else _cell(row.name)
        figures = "failed | " if row.failure else f"{seconds(row.seconds)} | {times}"
        lines.append(f"| {name} | {figures} |")
    return "\n".join(lines)
