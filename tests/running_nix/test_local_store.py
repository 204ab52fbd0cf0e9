"""Priming real stores: one's own, and one behind a daemon that trusts nobody."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import BuildError, FetchError
from npm2nixlite.integrity import Integrity
from npm2nixlite.nix import local_store as prime
from npm2nixlite.store.fixed_file import FixedFile
from tests.support.nix import CONFIG, nix_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.nix import NixElsewhere

__all__ = ["nix_elsewhere"]
pytestmark = pytest.mark.nix

STORE_DIR = "/nix/store"


def fixed_file(directory: Path, name: str, content: bytes, algorithm: str = "sha512") -> FixedFile:
    integrity = Integrity.of(algorithm, hashlib.new(algorithm, content).digest())
    directory.mkdir(exist_ok=True)
    path = directory / integrity.hex
    path.write_bytes(content)
    return FixedFile(name, path, integrity)


@pytest.fixture
def files(tmp_path: Path) -> list[FixedFile]:
    """Two of one name, two of one content, one that looks like an option, one that is empty."""
    directory = tmp_path / "downloads"
    return [
        fixed_file(directory, "core-7.0.0.tgz", b"one"),
        fixed_file(directory, "core-7.0.0.tgz", b"other"),
        fixed_file(directory, "core-copy-7.0.0.tgz", b"other"),
        fixed_file(directory, "core-7.0.0.tgz", b"third"),
        fixed_file(directory, "--version", b"x"),
        fixed_file(directory, "empty.tgz", b""),
        fixed_file(directory, "older.tgz", b"older", "sha1"),
    ]


@pytest.fixture
def own(nix: NixElsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NixElsewhere:
    """An empty store, which every Nix command of the test uses."""
    store = nix.elsewhere(tmp_path / "root")
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return store


def check(store: NixElsewhere, files: list[FixedFile]) -> None:
    for file in files:
        path = file.store_path()
        told = store.path_info(str(path))[str(path)]
        assert told["ca"].startswith(f"fixed:{file.integrity.algorithm}:")
        got = store.root / str(path).lstrip("/")
        assert got.read_bytes() == file.path.read_bytes()
    store("nix-store", "--verify", "--check-contents")


async def test_every_file_lies_under_its_derivations_path(
    own: NixElsewhere, files: list[FixedFile], tmp_path: Path
) -> None:
    counts: list[int] = []
    plan = await prime.plan(files, STORE_DIR)
    assert set(plan.missing) == {file.store_path() for file in files}
    await prime.apply(plan, tmp_path, lambda items, _: counts.append(items))
    check(own, files)
    assert sum(counts) == len(files)


async def test_a_build_then_fetches_nothing(
    own: NixElsewhere, files: list[FixedFile], tmp_path: Path
) -> None:
    await prime.apply(await prime.plan(files[:4], STORE_DIR), tmp_path)
    (tmp_path / "fetches.nix").write_text(
        "".join(
            f'(import <nix/fetchurl.nix> {{ url = "http://127.0.0.1:1/{file.name}"; '
            f'hash = "{file.integrity}"; }})'
            for file in files[:4]
        ).join("[]")
    )
    built = own("nix-build", "--no-out-link", tmp_path / "fetches.nix").decode().split()
    assert built == [str(file.store_path()) for file in files[:4]]


async def test_what_is_valid_already_is_skipped(own: NixElsewhere, files: list[FixedFile]) -> None:
    await prime.apply(await prime.plan(files[:3], STORE_DIR))
    for file in files[:3]:
        file.path.unlink(missing_ok=True)  # skipped means: not even looked at
    plan = await prime.plan(files, STORE_DIR)
    assert list(plan.valid) == [file.store_path() for file in files[:3]]
    assert list(plan.missing.values()) == files[3:]
    await prime.apply(plan)
    assert not (await prime.plan(files, STORE_DIR)).missing
    assert own.root.exists()


async def test_a_plan_changes_nothing(own: NixElsewhere, files: list[FixedFile]) -> None:
    await prime.plan(files, STORE_DIR)
    for file in files:
        assert not (own.root / str(file.store_path()).lstrip("/")).exists()


async def test_a_file_that_is_not_what_its_hash_says_is_named_and_its_path_stays_invalid(
    own: NixElsewhere, files: list[FixedFile]
) -> None:
    files[1].path.write_bytes(b"not it")
    with pytest.raises(
        FetchError, match=r"core-7\.0\.0\.tgz do not have the hash sha512-"
    ) as caught:
        await prime.apply(await prime.plan(files, STORE_DIR))
    assert str(files[1].path) in str(caught.value)
    still_missing = (await prime.plan(files, STORE_DIR)).missing
    assert files[1].store_path() in still_missing
    files[1].path.write_bytes(b"other")
    await prime.apply(await prime.plan(files, STORE_DIR))
    check(own, files)


@pytest.mark.usefixtures("own")
async def test_a_file_that_is_gone_is_named(files: list[FixedFile]) -> None:
    files[0].path.unlink()
    with pytest.raises(FetchError, match="the file is gone") as caught:
        await prime.apply(await prime.plan(files, STORE_DIR))
    assert str(files[0].path) in str(caught.value)


@pytest.mark.usefixtures("own")
async def test_nothing_is_left_beside_the_files(files: list[FixedFile], tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    await prime.apply(await prime.plan(files, STORE_DIR), scratch)
    assert list(scratch.iterdir()) == []
    assert all(file.path.stat().st_nlink == 1 for file in files)


@pytest.fixture
def other_file_system(tmp_path: Path) -> Iterator[Path]:
    place = Path("/dev/shm")
    if not place.is_dir() or place.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    with tempfile.TemporaryDirectory(dir=place) as made:
        yield Path(made)


async def test_files_on_another_file_system_are_copied(
    own: NixElsewhere, files: list[FixedFile], other_file_system: Path
) -> None:
    await prime.apply(await prime.plan(files, STORE_DIR), other_file_system)
    check(own, files)


@pytest.mark.usefixtures("own")
async def test_more_files_than_fit_into_one_command_line(tmp_path: Path) -> None:
    files = [
        fixed_file(tmp_path / "many", f"{'long' * 40}-{number}.tgz", b"%d" % number)
        for number in range(1_000)
    ]
    await prime.apply(await prime.plan(files, STORE_DIR), tmp_path)
    assert not (await prime.plan(files, STORE_DIR)).missing


@pytest.mark.usefixtures("own")
async def test_the_store_directory_is_the_one_nix_has() -> None:
    assert await prime.store_dir() == STORE_DIR


async def test_without_nix_the_error_says_so(
    files: list[FixedFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="there is no nix-store"):
        await prime.plan(files, STORE_DIR)


async def test_what_nix_complains_about_is_passed_on(
    files: list[FixedFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").write_text("a file where a store ought to be")
    monkeypatch.setenv("NIX_REMOTE", str(tmp_path / "root"))
    with pytest.raises(BuildError, match=r"nix-store --check-validity: .*root"):
        await prime.plan(files, STORE_DIR)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of a store that is root's; commands run as nobody, through root's daemon."""
    if os.geteuid() != 0:
        pytest.skip("only root can be two users")
    place = Path(tempfile.mkdtemp(dir="/var/tmp"))
    place.chmod(0o755)
    socket, programs = place / "socket", place / "programs"
    programs.mkdir()
    for program in ("nix-store", "nix-instantiate"):
        wrapper = programs / program
        wrapper.write_text(
            "#!/bin/sh\n"
            # What the tests make there is root's alone, and newer Nix looks at all above a file.
            f"chmod -f 755 {place}/scratch/*\n"
            f"HOME={place}/home exec setpriv --reuid 65534 --regid 65534 --clear-groups "
            f'{shutil.which(program)} "$@"\n'
        )
        wrapper.chmod(0o755)
    environment = {"NIX_CONFIG": CONFIG, "NIX_DAEMON_SOCKET_PATH": str(socket)}
    server = subprocess.Popen(
        ["nix-daemon"],
        env=os.environ | environment | {"NIX_REMOTE": str(place / "root")},
        stderr=subprocess.DEVNULL,
    )
    monkeypatch.setenv("NIX_REMOTE", f"unix://{socket}")
    monkeypatch.setenv("NIX_CONFIG", CONFIG)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    while not socket.exists():
        assert server.poll() is None
        time.sleep(0.01)
    try:
        yield place
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(place)


async def test_a_user_whom_the_daemon_does_not_trust_can_prime(
    daemon: Path, nix: NixElsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        fixed_file(daemon / "downloads", "a.tgz", b"a"),
        fixed_file(daemon / "downloads", "b.tgz", b"b"),
    ]
    plan = await prime.plan(files, await prime.store_dir())
    assert len(plan.missing) == 2
    scratch = daemon / "scratch"
    scratch.mkdir()
    await prime.apply(plan, scratch)
    assert not (await prime.plan(files, STORE_DIR)).missing
    monkeypatch.undo()  # back to root
    check(nix.elsewhere(daemon / "root"), files)
