"""The download cache: what is wrong in it is found, by whoever uses it, and gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache, Record
from npm2nixlite.integrity import Integrity, parse_integrity
from npm2nixlite.sources.upkeep import drop_wrong, prune, verify_cache
from tests.support.projects import Run, environment, locked, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.nix import Nix
    from tests.support.registry import Registry


def integrity(data: bytes, algorithm: str = "sha512") -> Integrity:
    (value,) = parse_integrity(sri(data, algorithm))
    return value


def put(cache: Cache, data: bytes) -> Path:
    with cache.partial_directory() as partial:
        (partial / "x").write_bytes(data)
        cache.add(partial / "x", integrity(data), [integrity(data, "sha1")])
    return cache.path(integrity(data))


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    match how:
        case "flipped":
            path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case "cut":
            path.write_bytes(data[:-1])
        case "empty":
            path.write_bytes(b"")
        case "swapped":
            path.write_bytes(b"another tarball")
        case "directory":
            path.unlink()
            path.mkdir()


SPOILED = ["flipped", "cut", "empty", "swapped", "directory"]


@pytest.fixture
def project(home: Path, registry: Registry) -> Path:
    """A project whose lock vouches for one package with sha512, for one with sha1, for one not."""
    strong, weak = registry.publish("strong"), registry.publish("weak")
    registry.publish("none", metadata={})
    packages = {
        "node_modules/strong": locked(integrity=sri(strong)),
        "node_modules/weak": locked(integrity=sri(weak, "sha1")),
    }
    write_lock(home / "project", packages)
    return home / "project"


def run(home: Path, registry: Registry, command: str, *arguments: str | Path) -> Run:
    options = ("--registry", registry.base, "--cache-dir", home / "cache")
    return run_program(command, *arguments, *options, home=home)


@pytest.mark.parametrize("how", SPOILED)
def test_verify_removes_what_is_wrong_and_says_so(tmp_path: Path, how: str) -> None:
    cache = Cache(tmp_path / "cache")
    kept, wrong = put(cache, b"kept"), put(cache, b"wrong")
    assert verify_cache(cache).dropped == ()
    spoil(wrong, how)
    (tmp_path / "cache/sha512/strange").write_bytes(b"x")
    (tmp_path / "cache/alias/sha1/strange").write_bytes(b"\xff")
    checked = verify_cache(cache)
    assert kept.is_file()
    assert not wrong.exists()
    assert f"sha512/{wrong.name}" in checked.dropped or how == "empty"
    assert {"sha512/strange", "alias/sha1/strange"} <= {*checked.dropped}
    assert verify_cache(cache).dropped == ()


def test_verify_removes_an_alias_of_what_has_another_hash(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    put(cache, b"one")
    put(cache, b"two")
    alias = tmp_path / "cache/alias/sha1" / integrity(b"one", "sha1").hex
    alias.write_text(sri(b"two"))
    assert verify_cache(cache).dropped == (f"alias/sha1/{alias.name}",)


def test_an_alias_decides_nothing_that_the_bytes_do_not_prove(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    put(cache, b"one")
    put(cache, b"two")
    weak = integrity(b"one", "sha1")
    assert cache.find([weak]) == integrity(b"one")
    (tmp_path / "cache/alias/sha1" / weak.hex).write_text(sri(b"two"))
    assert cache.find([weak]) is None
    assert cache.find([weak, integrity(b"two")]) is None
    assert cache.find([weak, integrity(b"one")]) == integrity(b"one")
    spoil(cache.path(integrity(b"one")), "flipped")
    assert cache.find([weak, integrity(b"one")]) is None
    assert not cache.has(integrity(b"one"))


def test_a_record_under_another_subjects_name_counts_as_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    record = Record(integrity(b"x"), "https://registry.example/x", by_registry=True)
    cache.add_record("one", "", record)
    cache.add_record("two", "", record)
    one, two = sorted((tmp_path / "cache/record").glob("*/*"))
    assert cache.record("one", "") == cache.record("two", "") == record
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert cache.record("one", "") is cache.record("two", "") is None


@pytest.mark.parametrize("how", SPOILED)
def test_generate_fetches_again_what_is_wrong_where_it_goes_by_a_weak_hash(
    home: Path, registry: Registry, project: Path, how: str
) -> None:
    assert run(home, registry, "generate", project).status == 0
    text = (project / "node-packages.nix").read_text()
    answer = registry.answers["/weak/-/weak-1.0.0.tgz"]
    data = getattr(answer, "body", b"")
    alias = home / "cache/alias/sha1" / integrity(data, "sha1").hex
    other = getattr(registry.answers["/strong/-/strong-1.0.0.tgz"], "body", b"")
    if how == "swapped":
        alias.write_text(sri(other))  # the alias of another tarball
    else:
        spoil(Cache(home / "cache").path(integrity(data)), how)
    assert run(home, registry, "generate", project).status == 0
    assert (project / "node-packages.nix").read_text() == text
    assert Cache(home / "cache").is_whole(integrity(data))


@pytest.mark.nix
@pytest.mark.parametrize("how", ["flipped", "cut", "swapped", "directory"])
def test_prime_and_push_fetch_again_what_is_wrong(
    home: Path, registry: Registry, project: Path, nix: Nix, how: str
) -> None:
    assert run(home, registry, "generate", project).status == 0
    files = sorted((home / "cache/sha512").iterdir())
    spoil(files[0], how)
    pushed = run(home, registry, "push", "--to", f"file://{home}/binary", project)
    assert pushed.status == 0, pushed.stderr
    assert Cache(home / "cache").is_whole(Integrity.of("sha512", bytes.fromhex(files[0].name)))
    spoil(files[1], how)
    primed = run_program(
        *("prime", project, "--registry", registry.base, "--cache-dir", home / "cache"),
        home=home,
        **nix.environment,
    )
    assert primed.status == 0, primed.stderr
    assert verify_cache(Cache(home / "cache")).dropped == ()


def test_prune_removes_the_oldest_and_notes_that_lead_nowhere(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    old, older, new = (put(cache, bytes([number]) * 1000) for number in range(3))
    now = time.time()
    os.utime(old, (now - 86_400 * 10,) * 2)
    os.utime(older, (now - 86_400 * 20,) * 2)
    pruned = prune(cache, older_than=15)
    assert (pruned.removed, pruned.freed, pruned.kept, pruned.size) == (1, 1000, 2, 2000)
    assert not older.exists()
    assert len(list((tmp_path / "cache/alias/sha1").iterdir())) == 2
    assert prune(cache, max_size=1999).removed == 1
    assert not old.exists()
    assert new.exists()
    assert prune(cache).removed == 0
    assert verify_cache(cache).dropped == ()


def test_the_command_verifies_prunes_and_tells_the_directory(
    home: Path, registry: Registry, project: Path
) -> None:
    assert run(home, registry, "generate", project).status == 0
    cache = ("--cache-dir", home / "cache")
    assert run_program("cache", "dir", *cache, home=home).stdout == f"{home}/cache\n"
    assert run_program("cache", "verify", *cache, "--json", home=home).json == {
        "tarballs": 2,
        "trees": 0,
        "removed": [],
    }
    file = next((home / "cache/sha512").iterdir())
    spoil(file, "flipped")
    wrong = run_program("cache", "verify", *cache, home=home)
    assert wrong.status == 1
    assert f"removed: sha512/{file.name}" in wrong.stdout
    pruned = run_program("cache", "prune", "--max-size", "0", *cache, "--json", home=home)
    assert pruned.json["kept"] == 0
    assert run_program("cache", "prune", "--max-size", "2x", *cache, home=home).status == 2
    assert run_program("cache", "verify", "--cache-dir", "/dev/null/x", home=home).status == 3


def test_another_user_can_read_a_cache(home: Path, registry: Registry, project: Path) -> None:
    old = os.umask(0o022)
    try:
        assert run(home, registry, "generate", project).status == 0
    finally:
        os.umask(old)
    modes = {path.stat().st_mode & 0o444 for path in (home / "cache").rglob("*") if path.is_file()}
    assert modes == {0o444}
    if os.geteuid() != 0:
        return
    # pytest's own directories are nobody else's
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shutil.copytree(home, place, dirs_exist_ok=True)
        assert_others_can_use(Path(place), registry)


def assert_others_can_use(home: Path, registry: Registry) -> None:
    program = (
        "import os, sys; from npm2nixlite.cli.run import run;"
        "words = ['generate', 'project', '--offline', '--check', '--cache-dir', 'cache'];"
        "words += ['--registry', sys.argv[1]];"
        "run(words);"  # what it loads, the other user may not
        "os.setgid(65534); os.setuid(65534);"
        "sys.exit(run(words))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, registry.base],
        cwd=home,
        env=environment(home, npm_config_userconfig="/dev/null"),
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_drops_only_what_is_wrong(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    one, two = put(cache, b"one"), put(cache, b"two")
    spoil(two, "cut")
    dropped = drop_wrong(cache, map(integrity, (b"one", b"two", b"three")))
    assert dropped == (f"sha512/{two.name}",)
    assert one.exists()
