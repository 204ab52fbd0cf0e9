"""Figures as SVG: bars with what is said beside them, and growth on log-log axes.

Colours are Okabe and Ito's, which the colour-blind can tell apart; the ground is white, so that a
plot reads the same on a dark page.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.figures import Growth, Row, Table
from benchmarks.pages import seconds, size

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "figure_of"]

_OURS, _THEIRS, _LIMIT, _FAILED = "#0072B2", "#B8B8B8", "#E69F00", "#D55E00"
_SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "osD^vP"
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "path",
    "svg.hashsalt": "npm2nixlite",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,
}
_WIDTH = 10.0  # inches
_LABEL = 15.0  # pixels from one line of labels to the next, at 100 dpi


def draw(item: Table | Growth, file: Path) -> None:
    """Draw an item into an SVG (or, by the file's name, PNG) file."""
    figure = figure_of(item)
    with mpl.rc_context(_STYLE):
        metadata = {"Date": None} if file.suffix == ".svg" else None
        figure.savefig(
            file,
            metadata=metadata,
            dpi=110,
            facecolor="white",
            bbox_inches="tight",
            pad_inches=0.12,
        )
        plt.close(figure)


def figure_of(item: Table | Growth) -> Figure:
    """An item's figure; the caller closes it."""
    with mpl.rc_context(_STYLE):
        return _bars(item) if isinstance(item, Table) else _curves(item)


def _bars(table: Table) -> Figure:
    rows = [*sorted((r for r in table.rows if not r.failure), key=lambda row: row.seconds)]
    rows += [row for row in table.rows if row.failure]
    height = 1.1 + 0.62 * len(rows)
    figure, axes = plt.subplots(figsize=(_WIDTH, height))
    figure.subplots_adjust(left=0.30, right=0.985, top=1 - 0.75 / height, bottom=0.5 / height)
    longest = max((row.highest for row in rows), default=1.0) or 1.0
    for place, row in enumerate(rows):
        _bar(axes, place, row, table, longest)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, longest * 1.7)  # room for what is said beside the longest bar
    axes.set_yticks([])
    ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= longest]
    axes.set_xticks(ticks)
    about = "seconds, median; the thin line spans the runs"
    if any(row.times is not None for row in rows):
        about += f"; ×: the time of {table.reference}"
    axes.set_xlabel(about, loc="left", fontsize=9)
    axes.spines["bottom"].set_bounds(0, ticks[-1] if ticks else longest)
    figure.text(0.012, 1 - 0.28 / height, table.title, fontsize=13, weight="bold")
    figure.text(0.012, 1 - 0.52 / height, table.subject, fontsize=9, color="#444444")
    return figure


def _bar(axes: Axes, place: int, row: Row, table: Table, longest: float) -> None:
    colour = _OURS if row.ours else _LIMIT if row.name == table.reference else _THEIRS
    transform = axes.get_yaxis_transform()
    weight = "bold" if row.ours else "normal"
    axes.text(-0.012, place, row.name, ha="right", va="center", weight=weight,
              transform=transform, fontsize=9.5)  # fmt: skip
    about = [row.does, row.leaves and f"without {row.leaves}"]
    said = "\n".join(filter(None, about)) if row.failure else "; ".join(filter(None, about))
    if row.failure:
        message = row.failure if len(row.failure) < 90 else f"{row.failure[:88]}…"
        axes.text(0.005, place, f"failed: {message}", va="center", color=_FAILED,
                  fontsize=8.5, transform=transform)  # fmt: skip
        return
    axes.barh(place, row.seconds, height=0.62, color=colour)
    if row.runs > 1:
        axes.plot([row.lowest, row.highest], [place, place], color="#222222", linewidth=1)
    figures = [f"{seconds(row.seconds)} s"]
    if row.times is not None and row.name != table.reference:
        figures.append(f"{_times(row.times)} ×")
    if row.runs == 1:
        figures.append("one run")
    figures.append(f"{size(row.peak)}")
    if row.connections is not None:
        figures.append(f"{row.connections:,} connection{'s' * (row.connections != 1)}")
    axes.text(max(row.seconds, row.highest) + longest * 0.012, place - (0.15 if said else 0),
              "   ".join(figures), va="center", fontsize=9, weight=weight)  # fmt: skip
    if said:
        axes.text(max(row.seconds, row.highest) + longest * 0.012, place + 0.19, said,
                  va="center", fontsize=7.5, color="#555555")  # fmt: skip


def _times(value: float) -> str:
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def _curves(growth: Growth) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(_WIDTH, 4.8))
    figure.subplots_adjust(left=0.07, right=0.86, top=0.83, bottom=0.12, wspace=0.52)
    for axes, title in ((left, "seconds"), (right, "peak memory, MB")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("packages")
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(visible=True, which="major", color="#E5E5E5", linewidth=0.7)
    for number, series in enumerate(growth.series):
        colour, marker = _SERIES[number % 6], _MARKERS[number % 6]
        sizes = [point.size for point in series.points]
        for axes, values in (
            (left, [point.seconds for point in series.points]),
            (right, [point.peak / 1e6 for point in series.points]),
        ):
            axes.plot(sizes, values, color=colour, marker=marker, markersize=5, linewidth=1.6)
    for index, (axes, unit) in enumerate(((left, 1.0), (right, 1e6))):
        _decades(axes)
        ends: list[tuple[float, int, str, str]] = []
        for number, series in enumerate(growth.series):
            if not series.points:
                continue
            last = series.points[-1]
            steep = series.slopes()[index]
            text = series.name if steep is None else f"{series.name}  {steep:.2f}"
            value = (last.seconds if index == 0 else last.peak) / unit
            ends.append((value, last.size, text, _SERIES[number % 6]))
        _label_ends(axes, ends)
        _ticks(axes, growth)
    figure.text(0.012, 0.95, growth.title, fontsize=13, weight="bold")
    said = "with each name its steepest slope from 1,000 packages on; dotted: linear"
    figure.text(0.012, 0.905, f"{growth.subject}; {said}", fontsize=9, color="#444444")
    return figure


def _decades(axes: Axes) -> None:
    """Whole powers of ten, and a dotted line that is linear growth."""
    low, high = axes.get_ylim()
    low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
    axes.set_ylim(low, high)
    left, right = axes.get_xlim()
    for start in (low / 1000, low / 100, low / 10, low, low * 10, low * 100):
        axes.plot([left, right], [start, start * right / left], ":", color="#BBBBBB",
                  linewidth=0.8, zorder=0)  # fmt: skip
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def _ticks(axes: Axes, growth: Growth) -> None:
    sizes = sorted({point.size for series in growth.series for point in series.points})
    axes.set_xticks(sizes, [f"{size_:,}" for size_ in sizes])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _label_ends(axes: Axes, ends: list[tuple[float, int, str, str]]) -> None:
    """Names at the curves' ends, moved apart where they would touch."""
    ends = sorted(ends)
    at = [float(axes.transData.transform((size_, value))[1]) for value, size_, *_ in ends]
    gap = _LABEL * axes.figure.dpi / 100
    for number in range(1, len(at)):
        at[number] = max(at[number], at[number - 1] + gap)
    top = float(axes.bbox.y1)
    for number in reversed(range(len(at))):
        at[number] = min(at[number], top)
        top = at[number] - gap
    for (value, size_, text, colour), y in zip(ends, at, strict=True):
        moved = axes.transData.inverted().transform((0, y))[1]
        axes.annotate(text, (size_, value), xytext=(size_ * 1.18, moved), color=colour,
                      fontsize=8.5, va="center", annotation_clip=False)  # fmt: skip
