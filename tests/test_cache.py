from __future__ import annotations

import multiprocessing
import os
import time
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache, Record
from npm2nixlite.errors import FetchError
from npm2nixlite.integrity import Integrity, parse_integrity
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path


def only(text: str) -> Integrity:
    (integrity,) = parse_integrity(text)
    return integrity


CONTENT = b"content"
SHA512 = only(sri(CONTENT))
SHA1 = only(sri(CONTENT, "sha1"))
SHA256 = only(sri(CONTENT, "sha256"))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def add(cache: Cache, *others: Integrity) -> None:
    with cache.partial_directory() as partial:
        (partial / "x").write_bytes(CONTENT)
        cache.add(partial / "x", SHA512, others)


def test_a_file_is_found_by_any_hash_it_was_added_with(cache: Cache) -> None:
    assert cache.find([SHA512]) is None
    add(cache, SHA1)
    assert cache.find([SHA512]) == SHA512
    assert cache.find([SHA1]) == SHA512
    assert cache.find([SHA256]) is None
    assert cache.path(SHA512).read_bytes() == CONTENT


def test_a_further_hash_is_proven_from_the_bytes(cache: Cache) -> None:
    add(cache)
    assert cache.find([SHA512, SHA256]) == SHA512
    assert cache.find([SHA256]) == SHA512


def test_a_further_hash_that_does_not_fit_finds_nothing(cache: Cache) -> None:
    add(cache)
    assert cache.find([SHA512, only(sri(b"other", "sha1"))]) is None
    assert cache.find([SHA512, only(sri(b"other"))]) is None


def test_an_empty_file_counts_as_absent(cache: Cache) -> None:
    add(cache)
    os.truncate(cache.path(SHA512), 0)
    assert cache.find([SHA512]) is None


def test_records_are_kept_for_each_subject_and_for_whom_was_asked(cache: Cache) -> None:
    record = Record(SHA512, "https://h.example/x.tgz", by_registry=True)
    assert not cache.has_records("a@1.0.0")
    cache.add_record("a@1.0.0", "https://one.example/", record)
    assert cache.has_records("a@1.0.0")
    assert cache.record("a@1.0.0", "https://one.example/") == record
    assert cache.record("a@1.0.0", "https://two.example/") is None


def test_a_damaged_record_counts_as_none(cache: Cache) -> None:
    cache.add_record("s", "", Record(SHA512, "u", by_registry=False))
    (file,) = (file for file in (cache.directory / "record").rglob("*") if file.is_file())
    file.write_text('{"sha512": "sha512-AAAA"')
    assert cache.record("s", "") is None


def _die_with_a_partial_download(directory: Path) -> None:
    with Cache(directory).partial_directory() as partial:
        (partial / "x").write_bytes(b"half")
        os.kill(os.getpid(), 9)


def test_what_a_killed_run_left_is_removed_by_the_next_and_a_living_run_is_left_alone(
    cache: Cache,
) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_die_with_a_partial_download, args=(cache.directory,))
    process.start()
    process.join()
    assert len(list((cache.directory / "partial").glob("*/x"))) == 1
    with cache.partial_directory() as living:
        (living / "y").write_bytes(b"half")
        assert not list((cache.directory / "partial").glob("*/x"))
        with cache.partial_directory():
            assert (living / "y").exists()
    assert not living.exists()


def test_a_note_that_was_never_moved_in_place_is_removed_in_time(cache: Cache) -> None:
    with cache.partial_directory():
        pass
    note = cache.directory / "partial" / "note-x"
    note.write_text("half")
    with cache.partial_directory():
        assert note.exists()
    os.utime(note, (time.time() - 7200,) * 2)
    with cache.partial_directory():
        assert not note.exists()


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands in the way")
    with (
        pytest.raises(FetchError, match="cannot be written") as caught,
        Cache(tmp_path / "cache").partial_directory(),
    ):
        pass
    assert "--cache-dir" in caught.value.hint
