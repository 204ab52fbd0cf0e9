import sys

import pytest

from benchmarks.measure import Contestant, contest, counted_runs, part_of, run


def python(code: str) -> Contestant:
    return Contestant([sys.executable, "-c", code], lambda: None)


def test_runs_are_bounded_by_the_budget() -> None:
    assert counted_runs(7, 30, 1) == 7
    assert counted_runs(7, 30, 10) == 3
    assert counted_runs(7, 30, 29) == 1


def test_the_first_run_counts_where_it_took_more_than_the_budget() -> None:
    assert counted_runs(7, 30, 31) == 0
    (only,) = contest({"slow": python("pass")}, 3, budget=0)
    assert len(only.samples) == 1
    assert only.samples[0] == only.trial


def test_who_fails_is_out_with_his_message_and_the_others_go_on() -> None:
    bad, good = contest(
        {"bad": python("raise SystemExit('error: no such thing')"), "good": python("print(1)")},
        2,
    )
    assert bad.failure == "error: no such thing"
    assert not bad.samples
    assert [sample.output for sample in good.samples] == ["1\n", "1\n"]


def test_who_does_not_end_is_ended() -> None:
    (result,) = contest({"x": python("import time; time.sleep(600)")}, 1, limit=0.3)
    assert result.failure == "no end within 0 s"


def test_memory_is_that_of_all_processes() -> None:
    code = (
        "import subprocess, sys, time\n"
        "hold = bytearray(b'x' * 80_000_000)\n"
        "subprocess.run([sys.executable, '-c', "
        "'hold = bytearray(b\"x\" * 80_000_000); import time; time.sleep(1)'])\n"
    )
    assert run(python(code), look=True).tree_peak > 160_000_000


def test_prepare_runs_before_and_check_after_each_run() -> None:
    told: list[str] = []
    contestant = Contestant(
        [sys.executable, "-c", ""],
        lambda: told.append("prepare"),
        check=lambda: told.append("check"),
    )
    contest({"x": contestant}, 1)
    assert told == ["prepare", "check"] * 2


def test_part_has_the_time_that_the_output_tells() -> None:
    (whole,) = contest({"x": python("print(0.25)")}, 1)
    part = part_of(whole, "y", "does", "leaves", float)
    assert [sample.seconds for sample in part.samples] == [0.25]
    assert (part.name, part.contestant.does) == ("y", "does")


def test_missing_program_is_a_failure_not_an_error() -> None:
    (result,) = contest({"x": Contestant(["no-such-program"], lambda: None)}, 1)
    assert result.failure.startswith("no-such-program")


def test_interrupted_prepare_is_not_hidden() -> None:
    def prepare() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        contest({"x": Contestant(["true"], prepare)}, 1)
