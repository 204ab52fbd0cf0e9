"""A machine that systemd runs: one that systemd-nspawn boots, where none runs this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.cgroups import CONTROLLERS, nspawn_takes_these_cgroups, own_cgroups
from tests.support.container_host import wait_until
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Machine", "booted_machine"]

_SYSTEMD = Path("/usr/lib/systemd/systemd")


@dataclass(frozen=True)
class Machine:
    """A machine that systemd runs.

    Attributes:
        root: Its file system, but for what it shares with this machine, read-only.
        leader: Its systemd's process here.
    """

    root: Path
    leader: int

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin", f"PYTHONPATH={ROOT}", "HOME=/root"]
        return subprocess.run(
            ["nsenter", "-t", str(self.leader), "-a", *environment, *map(str, command)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "npm2nixlite", "container-build", "web-site")
        return self.run(*command, *arguments, "--unit=web", "--settle=0.5")

    def state(self, unit: str = "web") -> str:
        return self.run("systemctl", "is-active", unit).stdout.strip()

    def shows(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, "--property", name, "--value").stdout.strip()

    def take_controllers(self) -> bool:
        """Let its systemd limit memory and CPUs; whether that can be here."""
        for controller in CONTROLLERS:
            # systemd-nspawn mounts the old hierarchies read-only.
            self.run("mount", "-o", "remount,rw,bind", f"/sys/fs/cgroup/{controller}")
        self.run("systemctl", "daemon-reexec")
        scope = self.run(
            *("systemd-run", "--scope", "--quiet", "--unit=probe", "--property=MemoryMax=1G"),
            *("sh", "-c", "cat /proc/self/cgroup /sys/fs/cgroup/cgroup.controllers"),
        ).stdout
        return "memory:/system.slice/probe.scope" in scope or "memory" in scope.split()

    def journal(self, *options: str) -> str:
        return self.run("journalctl", "--no-pager", *options).stdout


@contextmanager
def booted_machine(units: Mapping[str, str], *, firewall: bool = False) -> Iterator[Machine]:
    """Boot a machine; skips the test where that cannot be.

    Args:
        units: Name of a file below ``/etc/systemd/system`` → what is in it.
        firewall: Whether its systemd can keep units from addresses, for which it must have the new
            hierarchy of control groups, and be allowed to load programs into the kernel.
    """
    if os.geteuid() != 0:
        pytest.skip("booting a machine needs root")
    if not _SYSTEMD.exists():
        pytest.skip("there is no systemd to boot")
    if not nspawn_takes_these_cgroups():
        pytest.skip("this systemd-nspawn refuses control groups of version 1")
    root = Path(tempfile.mkdtemp(prefix="npm2nixlite-machine-"))
    root.chmod(0o755)
    name = root.name.replace("_", "x").replace("-", "x")  # a hostname
    _lay_out(root, units)
    seen = {Path("/usr"), ROOT, Path(sys.prefix), Path(sys.base_prefix)}
    outside = [path for path in seen if path == Path("/usr") or path.parts[1] != "usr"]
    command = [
        *("setpriv", "--pdeathsig", "TERM", "systemd-nspawn", "--quiet", "--boot"),
        *("--register=no", "--keep-unit", "--settings=no", "--console=pipe"),
        *("--capability=all", "--resolv-conf=off", "--link-journal=no"),
        *(f"--machine={name}", f"--directory={root}"),
        *(f"--bind-ro={path}" for path in sorted(outside)),
        *(["--system-call-filter=bpf"] if firewall else []),
    ]
    hierarchy = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if firewall else {}
    try:
        with own_cgroups(name) as groups, (root / "console").open("wb") as console:
            enter = 'for group; do echo $$ >"$group/cgroup.procs"; done; exec '
            process = subprocess.Popen(
                ["sh", "-euc", enter + shlex.join(command), "sh", *groups],
                env={**os.environ, **hierarchy},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
            try:
                yield _ready(root, process)
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    finally:
        with suppress(OSError):
            Path("/run/systemd/nspawn/propagate", name).rmdir()
        shutil.rmtree(root)


def _ready(root: Path, process: subprocess.Popen[bytes]) -> Machine:
    wait_until(lambda: _booted(process.pid) or process.poll() is not None)
    leader = _booted(process.pid)
    if leader is None:
        why = f"systemd does not boot here: {(root / 'console').read_text()}"
        if os.environ.get("NPM2NIXLITE_REQUIRE_TOOLS"):
            pytest.fail(why)
        pytest.skip(why)
    machine = Machine(root, leader)
    wait_until(lambda: "running" in machine.run("systemctl", "is-system-running").stdout, 60)
    return machine


def _lay_out(root: Path, files: Mapping[str, str]) -> None:
    for name in ("usr", "etc/systemd/system", "var", "root", "tmp", "run", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache", "os-release"):
        shutil.copyfile(Path("/etc", name), root / "etc" / name)
    if Path("/etc/alternatives").is_dir():  # Debian's cc is a link into it
        shutil.copytree("/etc/alternatives", root / "etc/alternatives", symlinks=True)
    (root / "etc/machine-id").touch()
    units = root / "etc/systemd/system"
    (units / "default.target").symlink_to("/usr/lib/systemd/system/multi-user.target")
    for name in ("logind", "networkd", "resolved", "timesyncd"):
        (units / f"systemd-{name}.service").symlink_to(os.devnull)
    for name in ("dbus", "console-getty", "getty@tty1"):
        (units / f"{name}.service").symlink_to(os.devnull)
    for name, text in files.items():
        (units / name).parent.mkdir(exist_ok=True)
        (units / name).write_text(text)
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
