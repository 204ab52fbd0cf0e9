"""What a build sees, and what it can write: found out by trying, inside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.container_host import processes_with, wait_until
from tests.support.projects import ROOT

if TYPE_CHECKING:
    from tests.support.container_host import Yard

pytestmark = pytest.mark.container

_OWN = ("/build", "/home/build")

# Tries to write to every directory there is, and says of what file system it is where that works.
_TRY_EVERYWHERE = """\
find / -path /proc -prune -o -type d -print 2>/dev/null | while read -r directory; do
  if true 2>/dev/null >"$directory/.probe"; then
    echo "$(stat -f -c %T "$directory") $directory"
    rm -f "$directory/.probe"
  fi
done >writable.txt
"""


@pytest.fixture
def tools() -> str:
    return "--tool=/usr/bin"


def look(yard: Yard, tools: str, script: str) -> Path:
    """Run a script in a container; returns what it left."""
    run = yard.program(
        *("container-build", "web-site", yard.source, tools),
        yard.script(f"touch answer.txt\n{script}"),
    )
    assert run.status == 0, run.stderr + yard.log.read_text()
    return yard.current.resolve()


def test_nothing_can_be_written_but_the_work_directory_and_memory_of_its_own(
    yard: Yard, tools: str
) -> None:
    left = look(yard, tools, _TRY_EVERYWHERE)
    found = [line.split(" ", 1) for line in (left / "writable.txt").read_text().splitlines()]
    assert {"/build", "/home/build", "/tmp"} <= {directory for _, directory in found}
    host = [
        directory
        for kind, directory in found
        if not any(Path(directory).is_relative_to(own) for own in _OWN)
        and kind not in ("tmpfs", "mqueue")
    ]
    assert host == []


def test_what_is_written_to_memory_does_not_appear_on_the_host(yard: Yard, tools: str) -> None:
    probe = f"npm2nixlite-probe-{os.getpid()}-{yard.runner}"
    look(yard, tools, f"for d in /tmp /run /dev/shm; do (: >$d/{probe}) || true; done\n")
    assert not [d for d in ("/tmp", "/run", "/dev/shm") if Path(d, probe).exists()]


def test_no_host_file_is_seen_beyond_the_tools(yard: Yard, tools: str) -> None:
    secret = yard.root / "secret"
    secret.write_text("not for the container")
    hidden = [secret, yard.source, ROOT, Path.home(), Path("/etc/shadow"), Path("/etc/ssh")]
    hidden += [Path("/var/lib"), Path("/usr/local"), Path("/opt"), Path("/boot"), Path("/nix")]
    seen = [str(path) for path in hidden if path not in (Path("/root"), Path("/home"))]
    left = look(
        yard,
        tools,
        f'for p in {" ".join(seen)}; do [ ! -e "$p" ] || echo "$p"; done >seen.txt\n'
        "ls -A / >top.txt; ls -A /etc >etc.txt; ls -A /root /home >homes.txt 2>&1 || true\n"
        "ls -d /proc/[0-9]* | wc -l >processes.txt; env | cut -d= -f1 | sort >variables.txt\n",
    )
    assert (left / "seen.txt").read_text() == ""
    tops = {path.name for path in Path("/").iterdir() if path.is_symlink()}
    own = {
        "build",
        "build-environment",
        "build-script",
        "dev",
        "etc",
        "home",
        "proc",
        "root",
        "run",
        "sys",
        "tmp",
    }
    system = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "tools", "usr", "var"}
    assert set((left / "top.txt").read_text().split()) <= own | system | tops
    written = {"alternatives", "group", "hosts", "machine-id", "nsswitch.conf", "os-release"}
    written |= {"passwd", "resolv.conf", "ssl"}
    assert set((left / "etc.txt").read_text().split()) <= written
    # Its own few processes, though the host has more.
    assert int((left / "processes.txt").read_text()) < 8 < len(list(Path("/proc").glob("[0-9]*")))
    variables = set((left / "variables.txt").read_text().split())
    assert not variables & {"PYTHONPATH", "NIX_PATH", "SSH_AUTH_SOCK"}


def test_no_privilege_is_to_be_had(yard: Yard, tools: str) -> None:
    (yard.source / "victim").write_text(str(os.getpid()))
    left = look(
        yard,
        tools,
        "id -u >uid.txt; grep Cap /proc/self/status >caps.txt\n"
        "grep NoNewPrivs /proc/self/status >>caps.txt\n"
        'try() { if "$@" >/dev/null 2>&1; then echo "$*"; fi; }\n'
        "{ try mount -t tmpfs none /build; try mount -o remount,rw,bind /usr/bin\n"
        "  try unshare -Ur mount -o remount,rw,bind /usr/bin; try chroot / true\n"
        "  try mknod /build/disk b 8 0; try chown 0 /build; try hostname elsewhere\n"
        '  try kill -0 "$(cat victim)"; try nsenter -t 1 -m true; } >worked.txt\n',
    )
    assert (left / "uid.txt").read_text().strip() == "1000"
    for line in (left / "caps.txt").read_text().splitlines():
        name, value = line.split()
        assert int(value, 16) == (1 if name == "NoNewPrivs:" else 0), line
    assert (left / "worked.txt").read_text() == ""


def test_on_the_host_the_build_belongs_to_a_user_who_owns_nothing_else(yard: Yard) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    nap = f"{6000 + os.getpid() % 1000}.{hash(yard.root) % 10**6}"
    process = yard.start("--tool=sleep", yard.script(f"sleep {nap}\n"))
    wait_until(lambda: processes_with(f"sleep\0{nap}"))
    (sleeper,) = [
        pid
        for pid in processes_with(f"sleep\0{nap}")
        if Path(f"/proc/{pid}/exe").resolve().name == "sleep"
    ]
    fields = Path(f"/proc/{sleeper}/status").read_text().splitlines()
    (users,) = [line.split()[1:] for line in fields if line.startswith("Uid:")]
    process.kill()
    process.communicate()
    assert len(set(users)) == 1
    assert 524288 <= int(users[0]) < 1878982656  # the range of systemd-nspawn's users
    wait_until(lambda: not processes_with(f"sleep\0{nap}"))


def test_path_has_the_named_tools_and_no_others(yard: Yard) -> None:
    run = yard.build(
        "--tool=ls",
        yard.script(': >answer.txt\nls /tools/bin >programs.txt\nprintf %s "$PATH" >path.txt\n'),
    )
    assert run.status == 0, run.stderr
    assert (yard.current / "path.txt").read_text() == "/tools/bin"
    programs = set((yard.current / "programs.txt").read_text().split())
    assert programs == {"env", "getent", "ls", "node", "npm", "npx", "sh"}


def test_a_result_belongs_to_who_built_it_and_has_no_setuid_bit(yard: Yard, tools: str) -> None:
    left = look(yard, tools, "cp /usr/bin/true own; chmod 6755 own; mkdir d; chmod 2777 d\n")
    for path in (left, left / "own", left / "d"):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
        assert not status.st_mode & 0o7000
    subprocess.run([left / "own"], check=True)


def test_a_result_with_something_that_is_no_file_is_refused(yard: Yard, tools: str) -> None:
    run = yard.build(tools, yard.script("touch answer.txt; mkfifo pipe\n"))
    assert run.status == 4
    assert "neither file, directory nor symlink" in run.stderr
    assert not yard.current.exists()
