"""Base 32 against nix-hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npm2nixlite.errors import InputError
from npm2nixlite.store import base32

if TYPE_CHECKING:
    from tests.nix_store import Nix


@given(st.binary(max_size=80))
def test_decoding_gives_back_what_was_encoded(digest: bytes) -> None:
    assert base32.decode(base32.encode(digest)) == digest


@given(st.text(alphabet=base32.ALPHABET, max_size=40))
def test_what_decodes_is_the_only_way_to_write_it(text: str) -> None:
    try:
        digest = base32.decode(text)
    except InputError:
        return
    assert base32.encode(digest) == text


@pytest.mark.parametrize(
    "text", ["e", "0E", "0 ", "zz", "0", "000", "é0", "\N{ARABIC-INDIC DIGIT ONE}0"]
)
def test_refuses_what_is_no_base_32(text: str) -> None:
    with pytest.raises(InputError):
        base32.decode(text)


@pytest.mark.nix
@settings(max_examples=30, deadline=None)
@given(digest=st.binary(min_size=64, max_size=64))
def test_writes_a_hash_as_nix_hash_does(nix: Nix, digest: bytes) -> None:
    theirs = nix.line("nix-hash", "--type", "sha512", "--to-base32", digest.hex())
    assert base32.encode(digest) == theirs
    back = nix.line("nix-hash", "--type", "sha512", "--to-base16", theirs)
    assert base32.decode(theirs).hex() == back
