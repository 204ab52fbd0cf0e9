"""NARs against nix-store --dump."""

from __future__ import annotations

import hashlib
import os
import socket
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npm2nixlite.errors import InputError
from npm2nixlite.store.nar import dump, file_frame, file_nar_size

if TYPE_CHECKING:
    from tests.support.nix import NixElsewhere

NAMES = st.text(
    alphabet=st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in {".", ".."})
FILES = st.tuples(st.binary(max_size=40), st.sampled_from([0o644, 0o755, 0o654, 0o600]))
LINKS = NAMES
TREES = st.recursive(
    FILES | LINKS,
    lambda below: st.dictionaries(NAMES, below, max_size=5),
    max_leaves=12,
)


def plant(path: Path, tree: object) -> None:
    match tree:
        case dict():
            path.mkdir()
            for name, below in tree.items():
                plant(path / name, below)
        case (bytes() as content, int() as mode):
            path.write_bytes(content)
            path.chmod(mode)
        case str():
            path.symlink_to(tree)


@pytest.mark.nix
@settings(max_examples=60, deadline=None)
@given(tree=TREES)
def test_a_tree_is_written_as_nix_writes_it(nix: NixElsewhere, tree: object) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "tree")
        plant(path, tree)
        assert b"".join(dump(path)) == nix("nix-store", "--dump", path)


@pytest.mark.nix
def test_names_that_are_no_text_are_written_byte_for_byte(
    nix: NixElsewhere, tmp_path: Path
) -> None:
    for name in (b"\xff", b"\xc3", b"\xc3\xa9", b"a"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    assert b"".join(dump(tmp_path)) == nix("nix-store", "--dump", tmp_path)


@given(st.binary(max_size=100), st.booleans())
def test_a_files_frame_makes_its_nar(content: bytes, executable: bool) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "file")
        plant(path, (content, 0o755 if executable else 0o644))
        nar = b"".join(dump(path))
    head, tail = file_frame(len(content), executable=executable)
    assert head + content + tail == nar
    assert file_nar_size(len(content), executable=executable) == len(nar)


@pytest.mark.nix
def test_a_large_file_is_streamed_in_flat_memory(nix: NixElsewhere, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(64 << 20)
    digest = hashlib.sha256()
    tracemalloc.start()
    for piece in dump(file):
        digest.update(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20
    assert digest.hexdigest() == nix.line("nix-hash", "--type", "sha256", file)


def test_a_tree_deeper_than_pythons_call_stack_is_written(tmp_path: Path) -> None:
    depth = 1_200
    path = tmp_path
    for _ in range(depth):
        path /= "d"
        path.mkdir()
    nar = b"".join(dump(tmp_path))
    while path != tmp_path:  # pytest's own cleaning cannot go this deep
        path.rmdir()
        path = path.parent
    assert nar.count(b"directory") == depth + 1


def test_a_socket_is_refused_with_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with pytest.raises(InputError, match=r"socket: neither a file"):
            list(dump(tmp_path))


@pytest.mark.parametrize("change", [bytes(2_000_000), bytes(10)], ids=["longer", "shorter"])
def test_a_file_that_changes_its_size_while_it_is_read_is_refused(
    tmp_path: Path, change: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(1_000_000))
    pieces = dump(file)
    assert len(next(pieces)) < 1_000_000
    file.write_bytes(change)
    with pytest.raises(InputError, match="changed while it was read"):
        list(pieces)


def test_small_files_come_together(tmp_path: Path) -> None:
    for number in range(1_000):
        (tmp_path / str(number)).write_bytes(bytes(100))
    pieces = list(dump(tmp_path))
    assert len(pieces) < 4
