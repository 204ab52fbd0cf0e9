"""Store paths against nix-store."""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npm2nixlite.errors import InputError
from npm2nixlite.integrity import Integrity
from npm2nixlite.store import base32
from npm2nixlite.store.nar import dump
from npm2nixlite.store.path import (
    StorePath,
    check_name,
    content_address,
    fixed_output_path,
    source_path,
    text_path,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import NixElsewhere

NAMES = st.text(
    alphabet=string.ascii_letters + string.digits + "+-._?=", min_size=1, max_size=211
).filter(lambda name: not name.startswith((".", "-")))
INTEGRITIES = st.sampled_from(["sha1", "sha256", "sha512"]).flatmap(
    lambda algorithm: st.binary().map(
        lambda content: Integrity.of(algorithm, hashlib.new(algorithm, content).digest())
    )
)


@pytest.mark.nix
@settings(max_examples=60, deadline=None)
@given(name=NAMES, integrity=INTEGRITIES, recursive=st.booleans())
def test_a_fixed_output_lies_where_nix_puts_it(
    nix: NixElsewhere, name: str, integrity: Integrity, recursive: bool
) -> None:
    flags = ["--recursive"] if recursive else []
    theirs = nix.line(
        "nix-store", "--print-fixed-path", *flags, integrity.algorithm, integrity.hex, name
    )
    assert str(fixed_output_path(name, integrity, recursive=recursive)) == theirs


@pytest.mark.nix
@pytest.mark.parametrize("recursive", [False, True])
def test_a_custom_store_directory_changes_the_digest_as_in_nix(
    nix: NixElsewhere, tmp_path: Path, recursive: bool
) -> None:
    integrity = Integrity.of("sha512", hashlib.sha512(b"content").digest())
    flags = ["--recursive"] if recursive else []
    store = f"local?root={tmp_path}&store=/elsewhere/store"
    theirs = nix.line(
        "nix-store",
        "--store",
        store,
        "--print-fixed-path",
        *flags,
        "sha512",
        integrity.hex,
        "a.tgz",
    )
    ours = fixed_output_path("a.tgz", integrity, recursive=recursive, store_dir="/elsewhere/store")
    assert str(ours) == theirs


@pytest.mark.nix
def test_a_tree_that_is_added_lies_where_source_path_says(
    nix: NixElsewhere, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("content")
    digest = hashlib.sha256(b"".join(dump(tree))).digest()
    assert str(source_path("tree", digest)) == nix.line("nix-store", "--add", tree)


@pytest.mark.nix
def test_text_with_references_lies_where_text_path_says(nix: NixElsewhere) -> None:
    for_both = 'let b = builtins.toFile "b" "x"; c = builtins.toFile "c" "y"; in '
    ours_b = text_path("b", hashlib.sha256(b"x").digest())
    ours_c = text_path("c", hashlib.sha256(b"y").digest())
    text = f"{ours_b} {ours_c}"
    theirs = nix.line(
        "nix-instantiate", "--eval", "--expr", for_both + 'builtins.toFile "a" "${b} ${c}"'
    )
    ours = text_path("a", hashlib.sha256(text.encode()).digest(), [ours_c, ours_b, ours_b])
    assert f'"{ours}"' == theirs


@pytest.mark.nix
def test_a_tree_that_refers_to_others_and_to_itself_lies_where_nix_puts_it(
    nix: NixElsewhere, tmp_path: Path
) -> None:
    """`make-content-addressed` rewrites a path that refers to itself, and hashes it with zeros."""
    builder = tmp_path / "self.nix"
    builder.write_text(
        'derivation { name = "self"; system = builtins.currentSystem; builder = "/bin/sh";'
        ' other = builtins.toFile "other" "other";'
        ' args = [ "-c" "echo $out $other > $out" ]; }'
    )
    built = nix.line("nix-build", "--no-out-link", builder)
    nix("nix", "store", "make-content-addressed", built)
    [content] = {file.read_bytes() for file in (nix.root / "nix/store").glob("*-self")} - {
        (nix.root / built.lstrip("/")).read_bytes()
    }
    path, other = map(StorePath.parse, content.decode().split())
    # The digest is over zeros in the path's own place; Nix 2.8 adds where these places are, newer
    # Nix does not.
    file = tmp_path / "zeroed"
    file.write_bytes(content.replace(path.digest.encode(), bytes(32)))
    nar = b"".join(dump(file))
    assert path in {
        source_path("self", hashlib.sha256(nar + end).digest(), [other], refers_to_itself=True)
        for end in (f"|{nar.index(bytes(32))}".encode(), b"")
    }


@given(NAMES, INTEGRITIES)
def test_a_path_reads_back_as_itself(name: str, integrity: Integrity) -> None:
    path = fixed_output_path(name, integrity, store_dir="/s")
    assert StorePath.parse(str(path)) == path


@pytest.mark.parametrize(
    "text",
    [
        "relative/path",
        "/nix/store/short-name",
        "/nix/store/",
        f"/nix/store/{'e' * 32}-name",
        f"/nix/store/{'0' * 32}name",
        f"/nix/store/{'0' * 32}-",
        f"/nix/store/{'0' * 32}-a b",
    ],
)
def test_what_is_no_store_path_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        StorePath.parse(text)


@pytest.mark.nix
@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab01+-._?=@/ ~é", min_size=1, max_size=8), st.data())
def test_every_name_we_take_nix_takes_too(
    nix: NixElsewhere, name: str, data: st.DataObject
) -> None:
    try:
        check_name(name)
    except InputError:
        return
    assume(not name.startswith("-"))  # nix-store would take it for a flag
    integrity = data.draw(INTEGRITIES)
    arguments = [integrity.algorithm, integrity.hex, name]
    nix("nix-store", "--print-fixed-path", *arguments)


@pytest.mark.parametrize(
    "name", ["", "@scope", "a/b", "a b", "é", "a" * 212, ".", "..", ".-a", "..-a", "a\n"]
)
def test_names_nix_refuses_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a store path"):
        check_name(name)


def test_sha384_is_refused_because_nix_has_none() -> None:
    integrity = Integrity.of("sha384", bytes(48))
    with pytest.raises(InputError, match="sha384"):
        fixed_output_path("name", integrity)
    with pytest.raises(InputError, match="sha384"):
        content_address(integrity)


def test_a_content_address_names_method_algorithm_and_hash() -> None:
    integrity = Integrity.of("sha1", bytes(20))
    digits = base32.encode(bytes(20))
    assert content_address(integrity) == f"fixed:sha1:{digits}"
    assert content_address(integrity, recursive=True) == f"fixed:r:sha1:{digits}"
