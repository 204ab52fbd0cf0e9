"""Narinfos against what Nix writes and reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm2nixlite.errors import InputError
from npm2nixlite.integrity import Integrity
from npm2nixlite.store import base32
from npm2nixlite.store.narinfo import NarInfo, parse, render
from npm2nixlite.store.path import StorePath, content_address, fixed_output_path, text_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import NixElsewhere

SHA256 = st.binary(min_size=32, max_size=32)
SIZES = st.integers(min_value=1, max_value=2**63)
PATHS = st.builds(
    StorePath, st.binary(min_size=20, max_size=20).map(base32.encode), st.sampled_from("abc")
)
WORDS = st.text(alphabet="abc0/.-", min_size=1, max_size=10)
NARINFOS = st.builds(
    NarInfo,
    path=PATHS,
    url=WORDS,
    nar_hash=SHA256,
    nar_size=SIZES,
    compression=st.sampled_from(["none", "xz", "zstd"]),
    file_hash=st.none() | SHA256,
    file_size=st.none() | SIZES,
    references=st.lists(PATHS, unique=True, max_size=3).map(tuple),
    deriver=st.none() | PATHS,
    signatures=st.lists(WORDS, max_size=3).map(tuple),
    ca=st.just("") | WORDS,
)


@given(NARINFOS)
def test_a_narinfo_reads_back_as_itself(info: NarInfo) -> None:
    assert parse(render(info)) == info


@pytest.mark.nix
def test_renders_what_nix_copy_writes(nix: NixElsewhere, tmp_path: Path) -> None:
    """Files with references, in a cache that Nix makes: ours are the same, byte for byte."""
    theirs = nix.line(
        "nix-instantiate",
        "--eval",
        "--read-write-mode",
        "--expr",
        'builtins.toFile "a" "${builtins.toFile "b" "x"} ${builtins.toFile "c" "y"}"',
    )
    key = tmp_path / "key"
    key.write_bytes(nix("nix", "key", "generate-secret", "--key-name", "test-1"))
    cache = tmp_path / "cache"
    nix("nix", "copy", "--to", f"file://{cache}?secret-key={key}", theirs.strip('"'))
    narinfos = list(cache.glob("*.narinfo"))
    assert len(narinfos) == 3
    for narinfo in narinfos:
        text = narinfo.read_text()
        assert render(parse(text)) == text


@pytest.mark.nix
def test_nix_reads_what_we_render(nix: NixElsewhere, tmp_path: Path) -> None:
    integrity = Integrity.of("sha512", hashlib.sha512(b"content").digest())
    other = text_path("b", hashlib.sha256(b"x").digest())
    info = NarInfo(
        path=fixed_output_path("a", integrity),
        url="nar/a.nar.zst",
        nar_hash=bytes(range(32)),
        nar_size=1234,
        compression="zstd",
        file_hash=bytes(32),
        file_size=99,
        references=(other,),
        deriver=fixed_output_path("a.drv", integrity),
        signatures=("test-1:AAAA",),
        ca=content_address(integrity),
    )
    (tmp_path / "nix-cache-info").write_text("StoreDir: /nix/store\n")
    (tmp_path / info.key).write_text(render(info))
    cache = f"file://{tmp_path}"
    [theirs] = nix.path_info("--store", cache, str(info.path)).values()
    assert theirs["path"] == str(info.path)
    assert theirs["narSize"] == 1234
    assert theirs["narHash"].startswith("sha256-")
    assert theirs["references"] == [str(other)]
    assert theirs["deriver"] == str(info.deriver)
    assert theirs["signatures"] == list(info.signatures)
    assert theirs["ca"] == info.ca
    assert theirs["url"] == info.url
    assert theirs["downloadSize"] == 99


VALID = render(
    NarInfo(StorePath("0" * 32, "a"), "nar/a", nar_hash=bytes(32), nar_size=1, ca="fixed:x")
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not 'Field: value'"),
        ("<html>no cache</html>", "is not 'Field: value'"),
        (VALID.replace("StorePath", "X"), "StorePath is missing"),
        (VALID.replace("URL: nar/a\n", ""), "URL is missing"),
        (VALID + "NarSize: 1\n", "NarSize is given twice"),
        (VALID.replace("NarSize: 1", "NarSize: -1"), "NarSize '-1' is no number"),
        (VALID.replace("NarSize: 1", "NarSize: \N{SUPERSCRIPT TWO}"), "is no number"),
        (VALID.replace("sha256:", "sha1:"), "is no sha256 hash"),
        (VALID.replace("sha256:0", "sha256:"), "is no sha256 hash"),
        (VALID.replace("References: ", "References: ../../etc"), "base name of a store path"),
        (VALID.replace("StorePath: /nix/store/0", "StorePath: /nix/store/"), "base name"),
    ],
)
def test_what_is_no_narinfo_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse(text, where="cache/x.narinfo")
    assert str(caught.value).startswith("cache/x.narinfo: ")


def test_a_digest_may_be_written_in_each_of_nixs_ways() -> None:
    digits = base32.encode(bytes(32))
    for written in ("sha256:" + "0" * 64, "sha256-" + "A" * 43 + "=", "sha256:" + "A" * 43 + "="):
        assert parse(VALID.replace(f"sha256:{digits}", written)) == parse(VALID)


def test_fields_of_tomorrow_are_kept() -> None:
    text = VALID + "Colour: green\nColour: red\n"
    assert parse(text).others == (("Colour", "green"), ("Colour", "red"))
    assert render(parse(text)) == render(parse(VALID)) + "Colour: green\nColour: red\n"


def test_a_narinfo_without_compression_is_of_bzip2() -> None:
    assert parse(VALID.replace("Compression: none\n", "")).compression == "bzip2"


def test_an_unknown_deriver_is_none() -> None:
    assert parse(VALID + "Deriver: unknown-deriver\n").deriver is None
