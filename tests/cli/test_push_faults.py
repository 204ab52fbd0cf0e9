"""What happens to a push when the server, the cache or the client itself fails."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.store.narinfo import parse
from tests.binarycache.places import free_port, nginx
from tests.cli.caches import Project, generated, told
from tests.cli.full_server import serve_until_full
from tests.support.nix import NixElsewhere
from tests.support.projects import PROGRAM, environment

if TYPE_CHECKING:
    from tests.support.registry import Registry

pytestmark = pytest.mark.nix

MANY = 150


@pytest.fixture
def project(home: Path, registry: Registry) -> Project:
    return generated(home, registry, packages=5)


@pytest.fixture
def large(home: Path, registry: Registry) -> Project:
    """Enough for several processes, and for a while."""
    project = generated(home, registry, packages=MANY, size=200_000)
    run = project.run("push", "--to", f"file://{home}/warming", project.file)
    assert run.status == 0, run.stderr
    return project


def narinfos(directory: Path) -> list[Path]:
    """Those in a cache, after making sure that each has its NAR, whole."""
    found = list(directory.glob("*.narinfo"))
    for file in found:
        info = parse(file.read_text())
        assert (directory / info.url).stat().st_size == info.file_size
    return found


def start(project: Project, address: str) -> subprocess.Popen[bytes]:
    """Push in the background, in a process group of its own."""
    cache = ("--cache-dir", str(project.home / "cache"), "--jobs", "4")
    return subprocess.Popen(
        [*PROGRAM, "push", *cache, "--to", address, str(project.file)],
        env=environment(project.home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def check_whole(address: str, project: Project, tmp_path: Path) -> None:
    """A second, empty store gets everything from there, and Nix agrees with every byte."""
    second = NixElsewhere(tmp_path / "second").with_config(f"substituters = {address}")
    told(second, address, project.paths)
    assert sorted(project.build(second)) == project.paths
    second("nix-store", "--verify", "--check-contents")


def test_a_server_that_is_down_is_named_and_once_it_is_up_a_rerun_completes(
    project: Project, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    run = project.run("push", "--to", address, project.file)
    assert run.status == 4
    assert address in run.stderr
    assert "check the address, and that the server runs" in run.stderr
    with nginx(tmp_path / "server", port=port):
        assert project.run("push", "--to", address, project.file).status == 0
        check_whole(address, project, tmp_path)


def test_a_server_that_refuses_says_what_to_do_and_no_password_is_shown(
    project: Project, tmp_path: Path
) -> None:
    with nginx(tmp_path / "server", users={"me": "it"}) as place:
        run = project.run("push", "--to", place.address, project.file)
        assert run.status == 4
        assert "answered 401" in run.stderr
        wrong = place.address.replace("//", "//me:s3cret@")
        run = project.run("push", "--to", wrong, project.file, "--json", "--debug")
        assert run.status == 4
        assert "s3cret" not in run.stderr + run.stdout
        assert run.json["error"]["exitStatus"] == 4
        right = place.address.replace("//", "//me:it@")
        run = project.run("push", "--to", right, project.file)
        assert run.status == 0, run.stderr
        assert "me:it" not in run.stdout
        (project.home / ".netrc").write_text("machine 127.0.0.1 login me password it\n")
        assert project.run("push", "--to", place.address, project.file).status == 0


def test_a_server_that_forbids_says_so(project: Project, tmp_path: Path) -> None:
    with nginx(tmp_path / "server", location="deny all;") as place:
        run = project.run("push", "--to", place.address, project.file)
    assert run.status == 4
    assert "answered 403" in run.stderr
    assert "ask whoever runs the cache" in run.stderr


def test_a_closure_goes_to_a_server_that_wants_a_password(project: Project, tmp_path: Path) -> None:
    nix = NixElsewhere(tmp_path / "first")
    text = 'builtins.toFile "text" "x"'
    path = nix.line("nix-instantiate", "--eval", "--read-write-mode", "--expr", text).strip('"')
    with nginx(tmp_path / "server", users={"me": 'i "t'}) as place:
        run = project.run("push", "--to", place.address, path, **nix.environment)
        assert run.status == 4
        assert "401" in run.stderr
        right = place.address.replace("//", "//me:i%20%22t@")
        run = project.run("push", "--to", right, path, **nix.environment)
        assert run.status == 0, run.stderr
        assert len(narinfos(tmp_path / "server/www")) == 1


def test_a_server_that_fills_up_halfway_keeps_a_whole_cache_and_a_rerun_completes(
    large: Project, tmp_path: Path
) -> None:
    with serve_until_full(tmp_path / "www", room=60) as address:
        run = large.run("push", "--to", address, large.file)
        assert run.status == 4
        assert "answered 507" in run.stderr
        assert "the server is full; make room there and run it again" in run.stderr
    assert 0 < len(narinfos(tmp_path / "www")) < MANY
    with serve_until_full(tmp_path / "www", room=10_000) as address:
        run = large.run("push", "--to", address, large.file, "--json")
        assert run.status == 0, run.stderr
        assert run.json["stores"][0]["tarballs"]["present"] > 0
        assert run.json["stores"][0]["tarballs"]["sent"] < MANY
        check_whole(address, large, tmp_path)


def test_a_wrong_narinfo_is_told_about_and_put_right(project: Project, tmp_path: Path) -> None:
    with nginx(tmp_path / "server") as place:
        project.run("push", "--to", place.address, project.file)
        one, other, *_ = narinfos(tmp_path / "server/www")
        truth = one.read_text()
        one.write_text(other.read_text())
        run = project.run("push", "--to", place.address, project.file, "--json")
        assert run.status == 0, run.stderr
        [wrong] = run.json["stores"][0]["tarballs"]["mismatches"]
        assert one.name.startswith(wrong["path"][11:43])
        assert f"the narinfo of {wrong['path']} was wrong, and is put right" in run.stderr
        assert one.read_text() == truth
        check_whole(place.address, project, tmp_path)


@pytest.mark.parametrize("until", [1, 20, 100])
def test_a_killed_push_leaves_a_whole_cache_and_no_process_and_a_rerun_completes(
    large: Project, tmp_path: Path, until: int
) -> None:
    www = tmp_path / "server/www"
    with nginx(tmp_path / "server") as place:
        push = start(large, place.address)
        while push.poll() is None and len(list(www.glob("*.narinfo"))) < until:
            time.sleep(0.001)
        os.kill(push.pid, signal.SIGKILL)
        push.communicate()
        deadline = time.monotonic() + 20
        while alive(push.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not alive(push.pid)
        assert narinfos(www)
        run = large.run("push", "--to", place.address, large.file, "--json")
        assert run.status == 0, run.stderr
        assert run.json["stores"][0]["tarballs"]["mismatches"] == []
        assert len(narinfos(www)) == MANY
        check_whole(place.address, large, tmp_path)


def alive(group: int) -> bool:
    """Whether any process of a group is left (a zombie, which nobody reaped yet, is none)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, own = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(own) == group and state != "Z":
            return True
    return False


def test_an_interrupted_push_says_so_and_ends_all_its_processes(
    large: Project, tmp_path: Path
) -> None:
    with nginx(tmp_path / "server") as place:
        push = start(large, place.address)
        while push.poll() is None and not narinfos(tmp_path / "server/www"):
            time.sleep(0.001)
        os.killpg(push.pid, signal.SIGINT)
        _, complaints = push.communicate(timeout=20)
        assert push.returncode == 130
        assert complaints == b"error: interrupted\n"
        assert not alive(push.pid)
        assert large.run("push", "--to", place.address, large.file).status == 0
        check_whole(place.address, large, tmp_path)


def test_clients_at_once_make_one_whole_cache(large: Project, tmp_path: Path) -> None:
    with nginx(tmp_path / "server") as place:
        clients = [start(large, place.address) for _ in range(3)]
        for client in clients:
            _, complaints = client.communicate(timeout=100)
            assert client.returncode == 0, complaints
        assert len(narinfos(tmp_path / "server/www")) == MANY
        check_whole(place.address, large, tmp_path)


def test_a_damaged_download_cache_gets_nothing_wrong_into_a_binary_cache(
    large: Project, tmp_path: Path
) -> None:
    """What is damaged is fetched again, and then pushed."""
    damaged = min((large.home / "cache/sha512").iterdir())
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + b"!")
    with nginx(tmp_path / "server") as place:
        run = large.run("push", "--to", place.address, large.file)
        assert run.status == 0, run.stderr
        assert damaged.read_bytes() == content
        assert len(narinfos(tmp_path / "server/www")) == MANY
        check_whole(place.address, large, tmp_path)
