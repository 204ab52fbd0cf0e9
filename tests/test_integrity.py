from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm2nixlite.errors import InputError
from npm2nixlite.integrity import ALGORITHMS, Integrity, parse_integrity


@given(st.sampled_from(ALGORITHMS), st.binary())
def test_what_is_rendered_is_read_back(algorithm: str, content: bytes) -> None:
    digest = hashlib.new(algorithm, content, usedforsecurity=False).digest()
    integrity = Integrity.of(algorithm, digest)
    assert parse_integrity(str(integrity)) == {integrity}


def test_several_hashes_are_all_kept_and_the_strongest_is_the_greatest() -> None:
    weak = Integrity.of("sha1", hashlib.sha1(b"x", usedforsecurity=False).digest())
    strong = Integrity.of("sha512", hashlib.sha512(b"x").digest())
    parsed = parse_integrity(f"  {weak}\n{strong}?option ")
    assert parsed == {weak, strong}
    assert max(parsed) == strong


def test_an_unknown_algorithm_is_dropped_where_a_known_one_is_left() -> None:
    strong = Integrity.of("sha512", hashlib.sha512(b"x").digest())
    assert parse_integrity(f"md5-1B2M2Y8AsgTpgAmY7PhCfg== {strong}") == {strong}


@pytest.mark.parametrize(
    "text",
    ["", "sha512", "sha512-", "sha512-!!!", "sha512-AAAA", "sha1-AAAA=", "md5-AAAA", "sha512:abc"],
)
def test_what_is_no_integrity_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_integrity(text)
