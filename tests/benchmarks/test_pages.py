import pytest

from benchmarks.figures import Growth, Point, Row, Series, Table
from benchmarks.pages import page, seconds, summary
from benchmarks.results import between

ENTRY = {
    "command": "make bench",
    "machine": {
        "date": "2026-01-02",
        "cores": 2,
        "processor": "a processor",
        "memoryBytes": 2**34,
        "kernel": "6.1",
        "fileSystem": "tmpfs",
        "load": 0.1,
        "commit": "abc",
    },
}
TABLE = Table(
    "fetch",
    "Fetching",
    "a lock",
    "curl",
    (
        Row("curl", does="downloads", leaves="checks", runs=3, seconds=1.5, times=1.0),
        Row("ours", ours=True, runs=3, seconds=2.0, times=1.33),
        Row("broken", failure="no | such file"),
    ),
)
GROWTH = Growth("growth", "Growing", "made up", (Series("x", (Point(10, 1.0, 5_000_000),)),))


def test_page_has_every_row_the_command_the_machine_and_the_plot() -> None:
    text = page([(ENTRY, TABLE), (ENTRY, GROWTH)], {"store": "no Nix"}, "plots/")
    assert "**curl**<br>downloads; without checks" in text
    assert "failed: no \\| such file" in text
    assert "![Fetching](plots/fetch.svg)" in text
    assert "2026-01-02, 2 cores of a processor, 16 GB" in text
    assert "`make bench`" in text
    assert "`store` failed: no Nix" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    lines = [line for line in page([(ENTRY, TABLE)], {}, "").splitlines() if line[:1] == "|"]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_summary_is_ordered_by_time_and_has_failures_last() -> None:
    text = summary([(ENTRY, TABLE)])
    assert text.index("| curl |") < text.index("| **ours** |") < text.index("| broken | failed |")


def test_between_replaces_what_stands_between_the_marks_only() -> None:
    begin, end = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
    text = f"a\n{begin}\nold\n{end}\nb\n"
    assert between(text, "new") == f"a\n{begin}\nnew\n{end}\nb\n"
    with pytest.raises(ValueError, match="there is no"):
        between("a", "new")


def test_seconds_have_two_digits_that_count() -> None:
    assert [seconds(v) for v in (0.344, 1.0, 12.34, 123.4)] == ["0.34", "1.00", "12.3", "123"]
