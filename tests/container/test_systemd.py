"""Real units of a real systemd: one that systemd-nspawn boots, where none runs this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT
from tests.support.yard import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.container

_SYSTEMD = Path("/usr/lib/systemd/systemd")
_UNIT = """\
[Service]
Type=exec
ExecStartPre=/usr/bin/test ! -e broken
ExecStart=/usr/bin/sleep 1000
WorkingDirectory=/var/lib/mempool/results/web-site/current
"""


@dataclass(frozen=True)
class Machine:
    """A machine that systemd runs.

    Attributes:
        root: Its file system, but for what it shares with this machine, read-only.
        leader: Its systemd's process here.
    """

    root: Path
    leader: int

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin", f"PYTHONPATH={ROOT}", "HOME=/root"]
        return subprocess.run(
            ["nsenter", "-t", str(self.leader), "-a", *environment, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "npm2nixlite", "container-build", "web-site")
        return self.run(*command, *arguments, "--unit=web", "--settle=0.5")

    def is_active(self) -> bool:
        return self.run("systemctl", "is-active", "web").stdout.strip() == "active"

    def main_process(self) -> str:
        return self.run("systemctl", "show", "web", "-p", "MainPID").stdout


@pytest.fixture
def machine() -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("booting a machine needs root")
    if not _SYSTEMD.exists():
        pytest.skip("there is no systemd to boot")
    root = Path(tempfile.mkdtemp(prefix="npm2nixlite-machine-"))
    root.chmod(0o755)
    name = root.name.replace("_", "x").replace("-", "x")  # a hostname
    _lay_out(root)
    shared = {Path("/usr"), ROOT, Path(sys.prefix), Path(sys.base_prefix)}
    outside = [path for path in shared if path == Path("/usr") or path.parts[1] != "usr"]
    with (root / "console").open("wb") as console:
        process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "TERM", "systemd-nspawn", "--quiet", "--boot"),
                *("--register=no", "--keep-unit", "--settings=no", "--console=pipe"),
                *("--capability=all", "--resolv-conf=off", "--link-journal=no"),
                *(f"--machine={name}", f"--directory={root}"),
                *(f"--bind-ro={path}" for path in sorted(outside)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
    try:
        wait_until(lambda: _booted(process.pid) or process.poll() is not None)
        leader = _booted(process.pid)
        if leader is None:
            why = f"systemd does not boot here: {(root / 'console').read_text()}"
            if os.environ.get("NPM2NIXLITE_REQUIRE_TOOLS"):
                pytest.fail(why)
            pytest.skip(why)
        booted = Machine(root, leader)
        wait_until(lambda: "running" in booted.run("systemctl", "is-system-running").stdout, 60)
        yield booted
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(OSError):
            Path("/run/systemd/nspawn/propagate", name).rmdir()
        shutil.rmtree(root)


def _lay_out(root: Path) -> None:
    for name in ("usr", "etc/systemd/system", "var", "root", "tmp", "run", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "os-release"):
        shutil.copyfile(Path("/etc", name), root / "etc" / name)
    (root / "etc/machine-id").touch()
    units = root / "etc/systemd/system"
    (units / "default.target").symlink_to("/usr/lib/systemd/system/multi-user.target")
    for name in ("logind", "networkd", "resolved", "timesyncd"):
        (units / f"systemd-{name}.service").symlink_to(os.devnull)
    for name in ("dbus", "console-getty", "getty@tty1"):
        (units / f"{name}.service").symlink_to(os.devnull)
    (units / "web.service").write_text(_UNIT)
    (root / "source").mkdir()


def _booted(runner: int) -> int | None:
    """The first process below systemd-nspawn that is systemd."""
    children = Path(f"/proc/{runner}/task/{runner}/children")
    try:
        for child in children.read_text().split():
            if Path(f"/proc/{child}/exe").resolve() == _SYSTEMD.resolve():
                return int(child)
    except OSError:
        return None
    return None


@pytest.mark.parametrize("runner", ["nspawn", "bwrap"])
def test_real_units_are_restarted_reported_and_rolled_back(machine: Machine, runner: str) -> None:
    source = machine.root / "source"
    (machine.root / "script").write_text("cp question.txt answer.txt\n")
    (machine.root / "bad-script").write_text(": >broken\n")
    build = ("/source", f"--runner={runner}", "--tool=cp", "--memory=1G")

    (source / "question.txt").write_text("one")
    run = machine.program(*build, "--script=/script")
    assert run.returncode == 0, run.stderr
    assert machine.is_active()
    current = (machine.root / "etc/mempool/web-site").read_text().strip()
    # It ran in a scope of its own.
    journal = machine.run("journalctl", "--no-pager").stdout
    assert f"websitebuild{current[:8]}-" in journal

    before = machine.main_process()
    assert "nothing to do" in machine.program(*build, "--script=/script").stdout
    assert machine.main_process() == before
    (source / "question.txt").write_text("two")
    assert machine.program(*build, "--script=/script").returncode == 0
    assert machine.is_active()
    assert machine.main_process() != before

    run = machine.program(*build, "--script=/bad-script")
    assert run.returncode == 4
    assert "not every unit runs: web (failed)" in run.stderr
    assert not machine.is_active()
    run = machine.program("--rollback")
    assert run.returncode == 0, run.stderr
    assert machine.is_active()
    results = machine.root / "var/lib/mempool/results/web-site"
    assert (results / (results / "current").readlink() / "answer.txt").read_text() == "two"
