"""What a build may not do or leave, tried from inside a real container."""

from __future__ import annotations

import os
import platform
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.container.confine import can_confine
from npm2nixlite.container.seccomp import MACHINES, seccomp_filter
from tests.support.container_host import processes_with, wait_until
from tests.support.projects import run_program

if TYPE_CHECKING:
    from tests.support.container_host import Yard
    from tests.support.projects import Run

pytestmark = pytest.mark.container


def build(yard: Yard, script: str, *options: str, **env: str) -> Run:
    script = yard.script(f"touch answer.txt\n{script}")
    command = ["container-build", "web-site", str(yard.source), *yard.options, "--tool=/usr/bin"]
    return run_program(*command, script, *options, home=yard.root, **env)


@pytest.mark.parametrize(
    "link", ["ln -s /etc/passwd l", "ln -s ../../x l", "ln -s . d; ln -s d/../x l"]
)
def test_a_symlink_that_leads_out_of_the_result_is_refused(yard: Yard, link: str) -> None:
    run = build(yard, link)
    assert run.status == 4
    assert "leads out of the result" in run.stderr
    assert not yard.current.exists()


def test_symlinks_inside_the_result_stay(yard: Yard) -> None:
    run = build(yard, "mkdir d; ln -s ../answer.txt d/a; ln -s d e; ln -s gone f")
    assert run.status == 0, run.stderr
    assert (yard.current / "d/a").readlink() == Path("../answer.txt")


def test_nothing_in_the_result_is_writable_by_others(yard: Yard) -> None:
    assert build(yard, "umask 0; mkdir d; touch d/f; chmod 777 d/f").status == 0
    tree = yard.current.resolve()
    for path in (tree, *tree.rglob("*")):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path


def test_private_source_files_stay_private_and_out_of_the_result(yard: Yard) -> None:
    (yard.source / "secret").write_text("token")
    (yard.source / "secret").chmod(0o600)
    run = build(yard, "stat -c %a secret >mode; cp secret /tmp/; ls >names")
    assert run.status == 0, run.stderr
    assert (yard.current / "mode").read_text() == "600\n"
    assert "secret" in (yard.current / "names").read_text().split()
    assert not (yard.current / "secret").exists()


def test_removing_private_files_follows_no_symlink_of_the_build(yard: Yard) -> None:
    if os.geteuid() != 0:
        pytest.skip("another user's build cannot be removed from")
    (yard.source / "conf").mkdir()
    (yard.source / "conf/victim").write_text("")
    (yard.source / "conf/victim").chmod(0o600)
    (yard.root / "victim").write_text("kept")
    run = build(yard, f"rm -r conf; ln -s {yard.root} conf")
    assert run.status == 4  # for the symlink
    assert (yard.root / "victim").read_text() == "kept"


def test_values_of_variables_are_in_no_command_line(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "variables").write_text("# for the build\nTOKEN=in $file 'quoted'\n\nOTHER=2\n")
    process = yard.start(
        "--tool=/usr/bin",
        yard.script('echo "$TOKEN|$GIVEN" >answer.txt; while [ ! -e /tmp/go ]; do sleep 0.1; done'),
        f"--env-file={tmp_path / 'variables'}",
        "--env=GIVEN=openly-given-6174",
    )
    try:
        wait_until(lambda: any((yard.work / "web-site").glob("web*/build/answer.txt")))
        own = {process.pid}
        assert not processes_with("in $file")
        assert set(processes_with("openly-given-6174")) <= own
    finally:
        process.kill()
        process.communicate()
    (answer,) = (yard.work / "web-site").glob("web*/build/answer.txt")
    assert answer.read_text() == "in $file 'quoted'|openly-given-6174\n"


def test_a_variable_without_a_value_is_this_processs_own(yard: Yard) -> None:
    run = build(yard, 'echo "$TOKEN" >answer.txt', "--env=TOKEN", TOKEN="from outside")
    assert run.status == 0, run.stderr
    assert (yard.current / "answer.txt").read_text() == "from outside\n"
    assert build(yard, "", "--env=NO_SUCH_TOKEN").status == 2


@pytest.mark.parametrize("text", ["no equals sign\n", "1X=2\n", "A B=2\n"])
def test_a_file_of_variables_is_read_strictly(yard: Yard, tmp_path: Path, text: str) -> None:
    (tmp_path / "variables").write_text(text)
    run = build(yard, "", f"--env-file={tmp_path / 'variables'}")
    assert run.status == 2
    assert "line 1 is not of the form NAME=VALUE" in run.stderr


_CALLS = ("keyctl", "add_key", "io_uring_setup", "unshare", "setns", "clone3")


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="no filter for this machine")
def test_dangerous_system_calls_are_refused(yard: Yard) -> None:
    _, numbers = MACHINES[platform.machine()]
    tries = [f"{name} => {numbers[name]}" for name in _CALLS if name != "clone3"]
    new_user = 0x10000000
    script = (
        f"my %c = ({', '.join(tries)}); for (sort keys %c) "
        f"{{ my $r = syscall($c{{$_}}, {new_user}, 0, 0, 0, 0); print qq($_ $r\\n); }}"
    )
    run = build(yard, f"perl -e '{script}' >calls.txt; unshare -U true && echo bad >>calls.txt; :")
    assert run.status == 0, run.stderr
    lines = (yard.current / "calls.txt").read_text().splitlines()
    assert lines == [f"{name} -1" for name in sorted(_CALLS) if name != "clone3"]


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_the_filter_is_whole_instructions(machine: str) -> None:
    program = seccomp_filter(machine)
    assert program is not None
    assert len(program) % 8 == 0


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp_filter("vax") is None


@pytest.mark.skipif(not can_confine(), reason="the kernel has no Landlock scopes (Linux 6.12)")
def test_abstract_sockets_of_the_host_are_out_of_reach(yard: Yard) -> None:
    name = f"npm2nixlite-{os.getpid()}-{yard.runner}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{name}")
        listening.listen()
        script = (
            "use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); "
            f"print connect(S, pack_sockaddr_un(qq(\\0{name}))) ? 1 : 0"
        )
        run = build(yard, f"perl -e '{script}' >reached.txt")
    assert run.status == 0, run.stderr
    assert (yard.current / "reached.txt").read_text() == "0"


def test_files_in_memory_have_a_limit(yard: Yard) -> None:
    fill = "head -c 40000000 /dev/zero >{}/x && echo {} >>filled.txt; "
    script = "".join(fill.format(place, place) for place in ("/tmp", "/dev/shm", "/run", "/dev"))
    run = build(yard, f"touch filled.txt; {script} :", "--memory=64M")
    assert run.status == 0, run.stderr
    filled = (yard.current / "filled.txt").read_text().split()
    # systemd-nspawn gives /dev/shm a size of its own; nobody else's memory goes there, for it is
    # the container's.
    assert set(filled) <= ({"/dev/shm"} if yard.runner == "nspawn" else set())


def test_the_number_of_processes_has_a_limit(yard: Yard) -> None:
    run = build(
        yard,
        "i=0; while [ $i -lt 200 ]; do sleep 1 & i=$((i+1)); done; wait",
        "--processes=50",
    )
    assert run.status == 4


def test_the_disk_has_a_limit(yard: Yard) -> None:
    big = build(yard, "head -c 30000000 /dev/zero >one-file", "--disk=20M")
    assert big.status == 4
    many = build(
        yard,
        "while :; do i=$((i+1)); head -c 4000000 /dev/zero >f$i; sleep 0.1; done",
        "--disk=20M",
    )
    assert many.status == 4
    assert "the build wrote more than 21.0 MB to disk" in many.stderr


@pytest.mark.parametrize("size", ["8", "8K", "0G", "²G", "1" * 5000 + "G", "-1G", "G"])
def test_a_size_that_nobody_means_is_refused(yard: Yard, size: str) -> None:
    run = build(yard, "", f"--memory={size}")
    assert run.status == 2
    assert "Traceback" not in run.stderr


def test_two_file_systems_are_told_before_the_build(yard: Yard, small_disk: Path) -> None:
    run = build(yard, "touch /tmp/never", f"--result-dir={small_disk}")
    assert run.status == 2
    assert "different file systems" in run.stderr
    assert not yard.log.exists()


def test_a_missing_systemctl_is_told_before_the_build(yard: Yard) -> None:
    run = build(yard, "", "--systemctl=no-such-systemctl")
    assert run.status == 2
    assert "there is no no-such-systemctl to restart answer with" in run.stderr
    assert not yard.log.exists()


def test_a_missing_systemd_is_told_before_the_build(yard: Yard) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs this machine")
    run = build(yard, "", "--systemctl=systemctl")
    assert run.status == 2
    assert "systemd does not run this machine" in run.stderr


def test_the_last_lines_are_the_scripts_own(yard: Yard) -> None:
    run = build(yard, "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo said $i; done; exit 7")
    assert run.status == 4
    said = [line.strip() for line in run.stderr.splitlines() if line.startswith("    ")]
    assert said == [f"said {number}" for number in range(11, 31)]


def test_a_long_log_keeps_its_beginning_and_its_end(yard: Yard) -> None:
    run = build(yard, "echo first; yes | head -c 70000000; echo last")
    assert run.status == 0, run.stderr
    log = yard.log.read_bytes()
    assert len(log) < 68_000_000
    assert log.startswith(b"first\n")
    assert b"\nlast\n" in log[-4096:]
    assert b"more are left out here" in log
