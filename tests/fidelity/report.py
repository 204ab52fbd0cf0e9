"""The rows of a run: as JSON, and as a table for reading."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Row", "Verdict", "summary", "table", "write_json"]


class Verdict:
    """What a comparison can come to."""

    EQUAL = "equal"
    BOTH_REFUSE = "both refuse"
    DIFFERENT = "different"
    FALSE_REFUSAL = "we refuse, npm does not"
    FALSE_ACCEPTANCE = "npm refuses, we do not"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True)
class Row:
    """One project, one npm, one tree.

    Attributes:
        project: Its name in the corpus.
        npm: npm's version.
        tree: ``whole``, or ``without dev``.
        verdict: See `Verdict`.
        paths: How many paths npm's tree has.
        differences: What differs, a line each; at most a hundred.
        count: How many differ.
        said: What refused said.
        known: Whether it is from an earlier run, of a derivation with the very same inputs.
    """

    project: str
    npm: str
    tree: str
    verdict: str
    paths: int = 0
    differences: tuple[str, ...] = ()
    count: int = 0
    said: str = ""
    known: bool = False


def write_json(rows: Iterable[Row], file: Path) -> None:
    """All rows; the file is replaced whole."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    part.replace(file)


def table(rows: Iterable[Row]) -> str:
    """A line for each project, with a column for each npm and tree."""
    by_project: dict[str, dict[tuple[str, str], Row]] = {}
    for row in rows:
        by_project.setdefault(row.project, {})[row.npm, row.tree] = row
    columns = sorted({column for cells in by_project.values() for column in cells})
    lines = [["project", *(f"{npm} {tree}" for npm, tree in columns)]]
    lines += [
        [name, *(_cell(cells.get(column)) for column in columns)]
        for name, cells in by_project.items()
    ]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.verdict == Verdict.EQUAL:
        return f"{row.paths} equal"
    if row.verdict == Verdict.DIFFERENT:
        return f"{row.count} of {row.paths} DIFFER"
    return (
        row.verdict
        if row.verdict in (Verdict.BOTH_REFUSE, Verdict.OUT_OF_REACH)
        else (row.verdict.upper())
    )


def summary(rows: Iterable[Row]) -> str:
    """How often each verdict, for each npm and tree."""
    counts = Counter((row.npm, row.tree, row.verdict) for row in rows)
    return "\n".join(
        f"npm {npm}, {tree}: {number} {verdict}"
        for (npm, tree, verdict), number in sorted(counts.items())
    )
