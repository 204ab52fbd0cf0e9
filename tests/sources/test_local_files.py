"""Local tarballs: hashed where they lie, and held to what the lock says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import FetchError
from npm2nixlite.integrity import Integrity
from npm2nixlite.node_packages.model import LocalPin
from npm2nixlite.plan import LocalFile
from npm2nixlite.sources.local_files import pin_local_file

if TYPE_CHECKING:
    from pathlib import Path

# More than what is read at once, and not a multiple of it.
DATA = b"tarball" * 100_001


def digest(algorithm: str, data: bytes = DATA) -> Integrity:
    return Integrity.of(algorithm, hashlib.new(algorithm, data).digest())


def wanted(*integrities: Integrity) -> LocalFile:
    return LocalFile("v/a.tgz", frozenset(integrities), ("node_modules/a", "node_modules/b"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "v").mkdir()
    (tmp_path / "v/a.tgz").write_bytes(DATA)
    return tmp_path


def test_a_tarball_is_pinned_by_its_sha256(directory: Path) -> None:
    assert pin_local_file(wanted(), directory) == LocalPin("v/a.tgz", digest("sha256"))


def test_every_hash_of_the_lock_must_hold(directory: Path) -> None:
    right = [digest(algorithm) for algorithm in ("sha1", "sha256", "sha384", "sha512")]
    assert pin_local_file(wanted(*right), directory).sha256 == digest("sha256")
    for algorithm in ("sha1", "sha256", "sha384", "sha512"):
        with pytest.raises(FetchError, match="wrong content") as caught:
            pin_local_file(wanted(*right[:1], digest(algorithm, b"other")), directory)
        assert caught.value.where == (str(directory / "v/a.tgz"), "node_modules/a")
        assert "npm install --package-lock-only" in caught.value.hint


def test_a_tarball_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="cannot be read: No such file") as caught:
        pin_local_file(wanted(), tmp_path)
    assert caught.value.where == (str(tmp_path / "v/a.tgz"), "node_modules/a")
    assert "npm ci would fail" in caught.value.hint
