"""The progress bar, at the widths that terminals have."""

from __future__ import annotations

import pytest
from tqdm import tqdm

from npm2nixlite.cli.console import progress_format, progress_postfix


@pytest.mark.parametrize(("columns", "cells"), [(60, 10), (80, 14), (200, 120)])
def test_the_bar_has_room_at_any_width(columns: int, cells: int) -> None:
    line = tqdm.format_meter(
        n=560,
        total=1241,
        elapsed=3.0,
        ncols=columns,
        prefix="fetching: ",
        bar_format=progress_format(columns),
        postfix=progress_postfix(columns, 243_200_000, 116_600_000),
        ascii=" #",
    )
    assert len(line) <= columns
    assert "560/1241" in line
    assert "116.6 MB/s" in line
    bar = line[line.index("%") + 2 : line.index(" 560/1241")]
    assert len(bar) >= cells
    assert ("left" in line) == (columns >= 80)
    assert ("243.2 MB" in line) == (columns >= 80)
