"""Units, rollback, limits, and what the command line refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.container_host import Yard
    from tests.support.projects import Run

pytestmark = pytest.mark.container

once = pytest.mark.parametrize("runner", ["bwrap"], indirect=True)
"""For what has nothing to do with what a build runs in."""


def build(yard: Yard, answer: str, *options: str, broken: bool = False) -> Run:
    (yard.source / "question.txt").write_text(answer)
    script = "cp question.txt answer.txt\n" + (": >broken\n" if broken else "")
    return yard.build("--tool=cp", yard.script(script), *options)


def rollback(yard: Yard) -> Run:
    return yard.program("container-build", "web-site", "--rollback")


@pytest.fixture
def failed(yard: Yard) -> Yard:
    """A yard after a switch to a result whose unit does not come up."""
    assert build(yard, "good").status == 0
    run = build(yard, "bad", broken=True)
    assert run.status == 4
    assert "not every unit runs: answer (failed)" in run.stderr
    assert "--rollback" in run.stderr
    return yard


def test_a_unit_that_does_not_come_up_can_be_rolled_back(failed: Yard) -> None:
    bad = failed.hash()
    status = failed.status()
    assert status["hash"] == bad != status["running"]
    assert status["rollbackTo"] == status["running"]
    assert "answer (failed)" in status["lastFailure"]["what"]

    run = rollback(failed)
    assert run.status == 0, run.stderr
    assert failed.hash() == status["running"]
    assert failed.answer() == "good"
    assert failed.is_tidy()

    # What was rolled back from does not come back by itself, as on the next system switch.
    run = build(failed, "bad", broken=True)
    assert run.status == 0
    assert "rolled back from" in run.stdout
    assert failed.answer() == "good"
    run = build(failed, "bad", "--retry", broken=True)
    assert run.status == 4
    assert failed.hash() == bad


@once
def test_the_next_run_tries_to_start_units_that_did_not_come_up(failed: Yard) -> None:
    before = failed.restarts()
    run = build(failed, "bad", broken=True)
    assert run.status == 4
    assert failed.restarts() == before + 1
    assert failed.status()["rollbackTo"] == failed.status()["running"]


@once
def test_a_fixed_source_replaces_a_result_that_did_not_come_up(failed: Yard) -> None:
    assert build(failed, "better").status == 0
    assert failed.answer() == "better"
    assert failed.is_tidy()


@once
def test_units_are_restarted_after_a_successful_switch_and_at_no_other_time(yard: Yard) -> None:
    assert yard.build(yard.script("exit 3\n")).status == 4
    assert yard.restarts() == 0
    assert build(yard, "one").status == 0
    assert yard.restarts() == 1
    assert build(yard, "one").status == 0
    assert yard.build(yard.script("exit 3\n")).status == 4
    assert yard.restarts() == 1


@once
def test_without_a_previous_result_there_is_no_rollback(yard: Yard) -> None:
    assert build(yard, "one").status == 0
    assert build(yard, "two").status == 0
    run = rollback(yard)
    assert run.status == 4
    assert "no previous result" in run.stderr
    assert yard.answer() == "two"


@once
def test_a_previous_result_that_is_kept_can_be_rolled_back_to_at_any_time(yard: Yard) -> None:
    assert build(yard, "one", "--keep-previous").status == 0
    assert build(yard, "two", "--keep-previous").status == 0
    assert build(yard, "two", "--keep-previous").status == 0
    assert rollback(yard).status == 0
    assert yard.answer() == "one"


@once
def test_a_result_that_lost_a_file_is_built_anew(yard: Yard) -> None:
    assert build(yard, "one").status == 0
    (yard.current / "answer.txt").unlink()
    assert not yard.status()["whole"]
    run = build(yard, "one", "--json")
    assert run.json["containerBuild"]["action"] == "built"
    assert (yard.current / "answer.txt").read_text() == "one"
    assert yard.is_tidy()


@once
def test_what_a_service_writes_beside_its_program_is_no_reason_to_build(yard: Yard) -> None:
    assert build(yard, "one").status == 0
    (yard.current / "cache.json").write_text("{}")
    assert "nothing to do" in build(yard, "one").stdout


@once
def test_script_tools_and_variables_are_part_of_the_hash(yard: Yard) -> None:
    hashes = []
    for options in ((), ("--tool=ls",), ("--env=COLOUR=red",), ("--env=COLOUR=blue",)):
        assert build(yard, "same", *options).status == 0
        hashes.append(yard.hash())
    assert yard.build("--tool=cp", yard.script("cp question.txt ./answer.txt\n")).status == 0
    assert len({*hashes, yard.hash()}) == 5


def test_a_build_that_takes_too_long_is_ended(yard: Yard) -> None:
    run = yard.build("--tool=sleep", "--time-limit=1", yard.script("sleep 600\n"))
    assert run.status == 4
    assert "took longer than 1 s" in run.stderr
    assert not yard.current.exists()


def test_a_build_that_takes_too_much_memory_fails(yard: Yard) -> None:
    # Two GiB, so that a limit that does not hold fails this test and not the machine.
    loop = "for (let i = 0; i < 128; i++) all.push(Buffer.alloc(1 << 24, 1))"
    hungry = f"node -e 'const all = []; {loop}'\n"
    run = yard.build("--memory=1G", "--time-limit=60", yard.script(hungry))
    assert run.status == 4
    assert "the build script ended with status" in run.stderr
    assert yard.build("--memory=4G", yard.script(hungry + ": >answer.txt\n")).status == 0


def test_cpus_are_limited(yard: Yard) -> None:
    script = "node -p 'os.availableParallelism()' >cpus.txt; : >answer.txt\n"
    assert yard.build("--cpus=1", yard.script(script)).status == 0
    assert (yard.current / "cpus.txt").read_text().strip() == "1"


def test_only_the_named_directory_becomes_the_result(yard: Yard) -> None:
    script = yard.script("mkdir -p dist/web\n: >dist/web/answer.txt\n: >left-out\n")
    assert yard.build("--tool=mkdir", "--output=dist/web", script).status == 0
    assert [path.name for path in yard.current.iterdir()] == ["answer.txt"]
    run = yard.build("--tool=mkdir", "--output=elsewhere", script)
    assert run.status == 4
    assert "made no directory elsewhere" in run.stderr


def test_a_result_that_points_out_of_the_work_directory_is_refused(yard: Yard) -> None:
    run = yard.build("--tool=ln", "--output=out", yard.script("ln -s /etc out\n"))
    assert run.status == 4
    assert not yard.current.exists()


def test_status_tells_people_and_programs_what_is_current(yard: Yard) -> None:
    assert yard.status()["hash"] is None
    assert build(yard, "one").status == 0
    fields = yard.status()
    assert fields["hash"] == yard.hash() == fields["running"]
    assert fields["whole"]
    assert fields["built"]["source"] == str(yard.source)
    assert fields["built"]["runner"] == yard.runner
    assert fields["runningSince"] >= fields["built"]["when"]
    assert fields["lastFailure"] is None
    shown = yard.program("container-build", "web-site", "--status").stdout
    assert yard.hash() in shown
    assert f"from {yard.source}" in shown
    assert "running since" in shown


@once
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["Bad_Name", "."], "no name for a container build"),
        (["web-site"], "no SOURCE is given"),
        (["web-site", "nowhere"], "no such directory"),
        (["web-site", ".", "--tool=no-such-tool"], "there is no no-such-tool on PATH"),
        (["web-site", ".", "--tool={root}/systemctl"], "not among the system's programs"),
        (["web-site", ".", "--script=nowhere"], "the script cannot be read"),
    ],
)
def test_what_makes_no_sense_is_refused(yard: Yard, arguments: list[str], complaint: str) -> None:
    filled = [argument.format(root=yard.root) for argument in arguments]
    run = yard.program("container-build", *filled, "--json")
    assert run.status == 2
    assert complaint in run.stderr
    assert json.loads(run.stdout)["error"]["hint"]
