"""Killed anywhere, run twice at once, out of room: what is current is always whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.container.switch import Step
from tests.support.container_host import Yard, processes_with, wait_until
from tests.support.projects import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.container

_COPY = "cp question.txt answer.txt\n"
_TOOL = "--tool=cp"

# The same build as the command line's, killed by a signal that none can catch: where a step is
# announced, or before the n-th change of the file system that follows.
_KILLED = """\
import os, signal, sys
from pathlib import Path
from npm2nixlite.container.build import Builder
from npm2nixlite.container.job import BuildJob
from npm2nixlite.container.limits import Limits
from npm2nixlite.container.paths import ContainerPaths
from npm2nixlite.container.rootfs import Network
from npm2nixlite.container.runners import RUNNERS
from npm2nixlite.container.switch import Step, Switcher
from npm2nixlite.container.tools import DEFAULT_TOOLS, find_tools
from npm2nixlite.container.units import Units

step, change, runner, yard, source, script = sys.argv[1:]
changes = {"open", "subprocess.Popen", "os.chmod", "os.mkdir", "os.remove", "os.rename"}
changes |= {"os.rmdir", "os.symlink"}
left = None
def watch(now):
    global left
    if now is Step[step]:
        left = int(change)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def count(event, arguments):
    global left
    if left and event in changes and not (event == "open" and arguments[1] in ("r", "rb")):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
disk = Path(yard)
places = ContainerPaths("web-site", disk / "state", disk / "work", disk / "results")
tools = find_tools((*DEFAULT_TOOLS, "cp"))
job = BuildJob("web-site", Path(source), Path(script).read_text(), tools, {})
units = Units(("answer",), str(disk / "systemctl"), 0.0)
switcher = Switcher(places, units, False, watch)
Builder(job, RUNNERS[runner], Limits(), Network(), switcher).run(wait=True, tell=print)
"""


def killed_before(yard: Yard, step: Step, change: int = 0) -> int:
    arguments = [step.name, change, yard.runner, yard.root, yard.source, yard.root / "script"]
    return subprocess.run(
        [sys.executable, "-c", _KILLED, *map(str, arguments)],
        env=environment(yard.root, PYTHONPATH=str(ROOT)),
        capture_output=True,
    ).returncode


# What comes after the build has nothing to do with what it ran in.
_KILLS = [
    *(("bwrap", step) for step in Step),
    *(("nspawn", step) for step in (Step.PREPARE, Step.BUILD, Step.STAGE, Step.HASH)),
]


@pytest.mark.parametrize(("runner", "step"), _KILLS, indirect=["runner"])
def test_a_run_killed_before_a_step_is_ended_by_the_next(yard: Yard, step: Step) -> None:
    question = yard.source / "question.txt"
    question.write_text("old")
    script = yard.script(_COPY)
    assert yard.build(script, _TOOL).status == 0
    old = yard.hash()

    question.write_text("new")
    assert killed_before(yard, step) == -signal.SIGKILL
    assert yard.status()["whole"]
    assert (yard.current / "answer.txt").read_text() in {"old", "new"}

    run = yard.build(script, _TOOL, "--json")
    assert run.status == 0, run.stderr
    kept = step not in list(Step)[: list(Step).index(Step.NOTE)]
    settled = step is Step.REMOVE
    expected = "nothing" if settled else "switched" if kept else "built"
    assert run.json["containerBuild"]["action"] == expected
    assert yard.hash() == run.json["containerBuild"]["hash"] != old
    assert yard.answer() == "new"
    assert yard.is_tidy()
    assert yard.status()["pending"] is None


@pytest.mark.parametrize("runner", ["bwrap"], indirect=True)
def test_a_run_killed_before_any_change_of_its_switch_is_ended_by_the_next(yard: Yard) -> None:
    script = yard.script(_COPY)
    answers = ["0"]
    (yard.source / "question.txt").write_text("0")
    assert yard.build(script, _TOOL).status == 0
    while True:
        answers.append(str(len(answers)))
        (yard.source / "question.txt").write_text(answers[-1])
        ended = killed_before(yard, Step.NOTE, len(answers) - 1)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        assert yard.status()["whole"]
        assert (yard.current / "answer.txt").read_text() in answers[-2:]
        run = yard.build(script, _TOOL)
        assert run.status == 0, run.stderr
        assert yard.answer() == answers[-1]
        assert yard.is_tidy()
        assert yard.status()["pending"] is None
    assert len(answers) > len(Step)


def test_a_run_killed_while_it_builds_takes_its_container_along(yard: Yard) -> None:
    nap = f"{4000 + os.getpid() % 1000}.{hash(yard.root) % 10**6}"
    (yard.source / "question.txt").write_text("slow")
    slow = yard.script(f"cp question.txt answer.txt\nsleep {nap}\n")
    process = yard.start(slow, _TOOL, "--tool=sleep")
    wait_until(lambda: processes_with(f"sleep\0{nap}"))
    process.kill()
    process.communicate()
    wait_until(lambda: not processes_with(f"sleep\0{nap}"))

    assert yard.build(yard.script(_COPY), _TOOL).status == 0
    assert yard.answer() == "slow"
    assert yard.is_tidy()


def test_of_two_runs_at_once_one_waits_or_says_that_the_other_runs(yard: Yard) -> None:
    (yard.source / "question.txt").write_text("both")
    # The first goes on until the test lets it: its own /tmp is not the host's, its output is.
    script = yard.script("cp question.txt answer.txt\nsleep 3\n")
    options = (script, _TOOL, "--tool=sleep")
    first = yard.start(*options)
    wait_until(lambda: yard.work.exists() and yard.status()["busy"])

    refused = yard.build(*options, "--no-wait")
    assert refused.status == 4
    assert f"another run for web-site is under way (process {first.pid})" in refused.stderr

    waited = yard.build(*options)
    assert waited.status == 0
    assert "waiting for it" in waited.stderr
    assert "nothing to do" in waited.stdout
    out, err = first.communicate()
    assert first.returncode == 0, err
    assert "built and switched" in out
    assert yard.restarts() == 1


@pytest.fixture
def small_yard(open_directory: Path, small_disk: Path, runner: str) -> Iterator[Yard]:
    made = Yard.make(open_directory, runner, small_disk)
    yield made
    made.close()


def test_a_full_disk_fails_cleanly(small_yard: Yard) -> None:
    yard = small_yard
    (yard.source / "question.txt").write_text("small")
    assert yard.build(yard.script(_COPY), _TOOL).status == 0
    before = yard.hash()

    # Full while it builds, and full while the source is copied.
    greedy = yard.script("cp question.txt answer.txt\nhead -c 20000000 /dev/zero >big\n")
    run = yard.build(greedy, _TOOL, "--tool=head")
    assert run.status == 4, run.stderr
    assert "No space left" in run.stderr + yard.log.read_text()
    (yard.source / "big").write_bytes(bytes(20_000_000))
    run = yard.build(yard.script(_COPY), _TOOL)
    assert run.status == 4, run.stderr
    assert "No space left on device" in run.stderr
    assert "make room" in run.stderr
    assert "Traceback" not in run.stderr

    assert yard.hash() == before
    assert yard.answer() == "small"
    assert yard.restarts() == 1
    assert yard.is_tidy()


def test_a_disk_that_is_full_at_the_switch_leaves_the_old_result_and_the_next_run_ends_it(
    small_yard: Yard,
) -> None:
    yard = small_yard
    state = yard.disk / "state"
    state.mkdir()
    options = ["-t", "tmpfs", "-o", "size=16k,mode=755", "tmpfs"]
    subprocess.run(["mount", *options, str(state)], check=True)
    try:
        (yard.source / "question.txt").write_text("old")
        assert yard.build(yard.script(_COPY), _TOOL).status == 0
        before = yard.hash()
        (yard.source / "question.txt").write_text("new")
        with (state / "filler").open("wb", buffering=0) as filler:
            while True:
                try:
                    filler.write(bytes(4096))
                except OSError:
                    break
        run = yard.build(yard.script(_COPY), _TOOL)
        assert run.status == 4
        assert "No space left on device" in run.stderr
        assert yard.hash() == before
        assert (yard.current / "answer.txt").read_text() == "old"
        assert yard.answer() == "old"
        assert yard.restarts() == 1

        (state / "filler").unlink()
        assert yard.build(yard.script(_COPY), _TOOL).status == 0
        assert yard.answer() == "new"
        assert yard.is_tidy()
    finally:
        subprocess.run(["umount", str(state)], check=True)


def test_a_runner_that_is_killed_itself_leaves_no_process_behind(yard: Yard) -> None:
    nap = f"{5000 + os.getpid() % 1000}.{hash(yard.root) % 10**6}"
    (yard.source / "question.txt").write_text("slow")
    process = yard.start(yard.script(f"sleep {nap}\n"), "--tool=sleep")
    wait_until(lambda: processes_with(f"sleep\0{nap}"))
    for runner in processes_with(f"{yard.work}/web-site/"):
        if runner != process.pid:
            os.kill(runner, signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    assert not processes_with(f"sleep\0{nap}")
    assert not (yard.root / "state" / "web-site").exists()
