from itertools import combinations
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

from benchmarks.figures import Growth, Point, Row, Series, Table
from benchmarks.plots import draw, figure_of

ABOUT = "all platforms; verifies every hash, writes node-packages.nix"
TABLE = Table(
    "k",
    "A title",
    "a subject",
    "curl",
    (
        Row("curl", runs=3, seconds=0.34, lowest=0.3, highest=0.4, times=1.0, peak=10**8),
        Row("npm2nixlite: fetch + verify + cache", ours=True, does=ABOUT, leaves="unpacking",
            runs=3, seconds=57.0, lowest=50, highest=61, times=160.0, peak=10**9,
            connections=1000),
        Row("one that fails", does=ABOUT, failure="error: there is no such thing " * 9),
    ),
)  # fmt: skip
GROWTH = Growth(
    "g",
    "A title",
    "a subject",
    tuple(
        Series(f"series {n}", tuple(Point(s, s / 1000, 10**8) for s in (100, 1000, 10_000)))
        for n in range(5)
    ),
)


@pytest.mark.parametrize("item", [TABLE, GROWTH])
def test_no_text_touches_another(item: Table | Growth) -> None:
    figure = figure_of(item)
    figure.canvas.draw()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for texts in (figure.texts, *(axes.texts for axes in figure.axes))
        for text in texts
    ]
    plt.close(figure)
    assert len(boxes) > 5
    for (one, first), (other, second) in combinations(boxes, 2):
        assert not first.overlaps(second), (one, other)


@pytest.mark.parametrize("item", [TABLE, GROWTH])
def test_same_figures_give_the_same_file(item: Table | Growth, tmp_path: Path) -> None:
    draw(item, tmp_path / "one.svg")
    draw(item, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
