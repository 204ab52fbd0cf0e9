"""Real units of a real systemd: one that systemd-nspawn boots, where none runs this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.machine import booted_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.machine import Machine

pytestmark = pytest.mark.container

_UNIT = """\
[Service]
Type=exec
ExecStartPre=/usr/bin/test ! -e broken
ExecStart=/usr/bin/sleep 1000
WorkingDirectory=/var/lib/npm2nixlite/results/web-site/current
"""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with booted_machine({"web.service": _UNIT}) as booted:
        yield booted


@pytest.mark.parametrize("runner", ["nspawn", "bwrap"])
def test_real_units_are_restarted_reported_and_rolled_back(machine: Machine, runner: str) -> None:
    source = machine.root / "source"
    (machine.root / "script").write_text("cp question.txt answer.txt\n")
    (machine.root / "bad-script").write_text(": >broken\n")
    build = ("/source", f"--runner={runner}", "--tool=cp", "--memory=1G")

    (source / "question.txt").write_text("one")
    run = machine.program(*build, "--script=/script")
    assert run.returncode == 0, run.stderr
    assert machine.state() == "active"
    current = (machine.root / "var/lib/npm2nixlite/hashes/web-site").read_text().strip()
    # It ran in a scope of its own.
    assert f"websitebuild{current[:8]}-" in machine.journal()

    before = machine.shows("web", "MainPID")
    assert "nothing to do" in machine.program(*build, "--script=/script").stdout
    assert machine.shows("web", "MainPID") == before
    (source / "question.txt").write_text("two")
    assert machine.program(*build, "--script=/script").returncode == 0
    assert machine.state() == "active"
    assert machine.shows("web", "MainPID") != before

    run = machine.program(*build, "--script=/bad-script")
    assert run.returncode == 4
    assert "not every unit runs: web (failed)" in run.stderr
    assert machine.state() == "failed"
    run = machine.program("--rollback")
    assert run.returncode == 0, run.stderr
    assert machine.state() == "active"
    results = machine.root / "var/lib/npm2nixlite/results/web-site"
    assert (results / (results / "current").readlink() / "answer.txt").read_text() == "two"


@pytest.mark.parametrize("runner", ["nspawn", "bwrap"])
def test_memory_is_limited_for_a_build_as_a_whole(machine: Machine, runner: str) -> None:
    if not machine.take_controllers():
        pytest.skip("this machine gives others no memory controller")
    # Four processes at once, each of which stays below what a single one may have.
    hold = "head -c 150000000 /dev/zero | tail -c 150000000 >all"
    (machine.root / "script").write_text(
        f'for one in 1 2 3 4; do {hold}$one & ids="${{ids-}} $!"; done\n'
        'for id in $ids; do wait "$id"; done\nrm all*\n'
    )
    tools = ("--tool=head", "--tool=tail", "--tool=rm")
    build = ("/source", f"--runner={runner}", "--script=/script", *tools)
    run = machine.program(*build, "--memory=400M")
    assert run.returncode == 4, run.stderr
    assert "the build script ended with status 137" in run.stderr  # killed
    run = machine.program(*build, "--memory=1500M")
    assert run.returncode == 0, run.stderr
