import json

import pytest

from benchmarks.figures import Growth, Point, Series, Table, from_json, slope, tabulate, to_json
from benchmarks.measure import Contestant, Result, Sample, Traffic

SEEN = Traffic(connections=3, requests=5, sent=700, paths=frozenset({"/a"}))


def result(name: str, *seconds: float, failure: str = "") -> Result:
    samples = tuple(Sample(value, value / 2, 10) for value in seconds)
    trial = Sample(9.0, 1.0, 1, tree_peak=64, traffic=SEEN) if seconds else None
    return Result(name, Contestant([], lambda: None), samples, trial, failure)


def test_slope_of_a_power_is_its_exponent() -> None:
    assert slope([(n, 3 * n**2) for n in (1000, 10_000, 50_000)]) == pytest.approx(2)
    assert slope([(n, 0.1 * n) for n in (1000, 10_000, 50_000)]) == pytest.approx(1)


def test_slope_is_the_steepest_step_where_start_up_no_longer_counts() -> None:
    assert slope([(100, 1.0), (1000, 100.0), (10_000, 1000.0)]) == pytest.approx(1)
    assert slope([(1000, 1.0), (10_000, 10.0), (100_000, 1000.0)]) == pytest.approx(2)


def test_slope_of_one_point_is_unknown() -> None:
    assert slope([(100, 1.0)]) is None


def test_ratio_is_of_runs_beside_each_other() -> None:
    table = tabulate(
        "k", "t", "s", [result("a", 1, 2, 4), result("b", 3, 6, 4)], reference="a", ours=["b"]
    )
    a, b = table.rows
    assert (a.times, b.times) == (1, 3)
    assert (a.ours, b.ours) == (False, True)
    assert (b.seconds, b.lowest, b.highest, b.runs) == (4, 3, 6, 3)
    assert (b.peak, b.connections, b.requests, b.received) == (64, 3, 5, 700)


def test_with_unequal_runs_the_ratio_is_of_the_medians() -> None:
    table = tabulate("k", "t", "s", [result("a", 1, 2, 3), result("b", 10)], reference="a")
    assert table.rows[1].times == 5


def test_failed_row_has_its_message_and_no_figures() -> None:
    table = tabulate("k", "t", "s", [result("a", 1), result("b", failure="no")], reference="a")
    assert table.rows[1].failure == "no"
    assert table.rows[1].times is None


@pytest.mark.parametrize(
    "item",
    [
        tabulate("k", "t", "s", [result("a", 1, 2), result("b", failure="no")], reference="a"),
        Growth("g", "t", "s", (Series("x", (Point(10, 1.0, 5), Point(20, 2.0, 9))),)),
    ],
)
def test_figures_survive_json(item: Table | Growth) -> None:
    assert from_json(json.loads(json.dumps(to_json(item)))) == item
