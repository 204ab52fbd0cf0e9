"""What happens to a push of closures when the server, a disk or the client itself fails."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.store.narinfo import parse
from tests.binarycache.closures import build
from tests.binarycache.places import nginx
from tests.cli.caches import Project
from tests.cli.full_server import serve_until_full
from tests.support.nix import NixElsewhere
from tests.support.projects import PROGRAM, environment

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nix

DEPTH = 40


@pytest.fixture
def nix(tmp_path: Path) -> NixElsewhere:
    return NixElsewhere(tmp_path / "first")


@pytest.fixture
def project(home: Path) -> Project:
    """A home without any project."""
    return Project(home, home, [])


@pytest.fixture
def top(nix: NixElsewhere) -> str:
    """A path that refers to another, that to another, and so on."""
    text = (
        'builtins.foldl\' (below: number: builtins.toFile "text-${toString number}" below) '
        f'"end" (builtins.genList (number: number) {DEPTH})'
    )
    return nix.line("nix-instantiate", "--eval", "--read-write-mode", "--expr", text).strip('"')


def whole(directory: Path) -> int:
    """How many narinfos there are, after making sure that each has its NAR and its references."""
    found = list(directory.glob("*.narinfo"))
    for file in found:
        info = parse(file.read_text())
        assert (directory / info.url).stat().st_size == info.file_size
        for reference in info.references:
            assert (directory / f"{reference.digest}.narinfo").exists()
    return len(found)


def test_a_server_that_fills_up_keeps_a_whole_cache_and_a_rerun_completes(
    project: Project, nix: NixElsewhere, top: str, tmp_path: Path
) -> None:
    with serve_until_full(tmp_path / "www", room=DEPTH) as address:
        run = project.run("push", "--to", address, top, **nix.environment)
        assert run.status == 4
        assert "answered 507" in run.stderr
        assert "make room there" in run.stderr
    assert whole(tmp_path / "www") < DEPTH
    with serve_until_full(tmp_path / "www", room=10_000) as address:
        assert project.run("push", "--to", address, top, **nix.environment).status == 0
        assert whole(tmp_path / "www") == DEPTH
        second = nix.elsewhere(tmp_path / "second").with_config(f"substituters = {address}")
        second("nix-store", "--realise", top)


@pytest.mark.parametrize("until", [1, DEPTH // 2])
def test_a_killed_push_leaves_a_whole_cache_and_a_rerun_sends_the_rest(
    project: Project, nix: NixElsewhere, top: str, tmp_path: Path, until: int
) -> None:
    www = tmp_path / "server/www"
    with nginx(tmp_path / "server") as place:
        push = subprocess.Popen(
            [*PROGRAM, "push", "--jobs", "1", "--to", place.address, top],
            env=environment(project.home, **nix.environment),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        while push.poll() is None and len(list(www.glob("*.narinfo"))) < until:
            time.sleep(0.001)
        os.kill(push.pid, signal.SIGKILL)
        push.wait()
        there = whole(www)
        run = project.run("push", "--to", place.address, top, "--json", **nix.environment)
        assert run.status == 0, run.stderr
        [store] = run.json["stores"]
        assert store["closures"]["mismatches"] == []
        assert store["closures"]["present"] >= there
        assert whole(www) == DEPTH


def test_a_server_that_refuses_is_told_without_a_web_page(
    project: Project, nix: NixElsewhere, top: str, tmp_path: Path
) -> None:
    with nginx(tmp_path / "server", location="deny all;") as place:
        run = project.run("push", "--to", place.address, top, **nix.environment)
    assert run.status == 4
    assert "answered 403" in run.stderr
    assert "ask whoever runs the cache" in run.stderr
    assert "html" not in run.stderr


@pytest.mark.parametrize(
    ("compression", "says"), [("zstd", "has no room"), ("none", "cannot be written")]
)
def test_a_full_disk_is_told_and_leaves_nothing_half(
    project: Project, nix: NixElsewhere, tmp_path: Path, compression: str, says: str
) -> None:
    """A limit on the size of files stands in for the end of the disk."""
    outer = build(nix, tmp_path)
    command = [*PROGRAM, "push", "--to", f"file://{tmp_path}/cache", outer]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [*command, "--compression", compression],
        env=environment(project.home, **nix.environment, PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        encoding="utf-8",
        preexec_fn=limit,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    whole(tmp_path / "cache")
    assert not [file for file in (tmp_path / "cache").rglob(".*") if file.is_file()]
    assert project.run("push", "--to", f"file://{tmp_path}/cache", outer, **nix.environment)
    assert whole(tmp_path / "cache") == 3
