"""The fields of a generated file, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.lock.git import GitTree
from npm2nixlite.node_packages.fields import (
    EntryFields,
    check_inside,
    read_base,
    read_hash,
    read_lock_hash,
    read_path,
    read_relative_address,
    read_tree,
    read_url,
)
from tests.node_packages.models import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from npm2nixlite.node_packages.syntax import Value

REV = "a" * 40


def test_fields_are_taken_by_type() -> None:
    fields = EntryFields(
        {"t": "x", "e": "", "n": None, "f": True, "b": False, "i": 3, "l": ("a", "b"), "s": ({},)}
    )
    assert "t" in fields
    assert fields.text("t") == "x"
    assert "t" not in fields
    assert fields.text("e") == ""
    assert fields.optional_text("n") is None
    assert fields.optional_text("absent") is None
    assert fields.flag("f") is True
    assert fields.flag("absent") is False
    assert fields.truth("b") is False
    assert fields.number("i") == 3
    assert fields.texts("l") == ("a", "b")
    assert fields.texts("absent") == ()
    (inside,) = fields.sets("s")
    inside.finish()
    fields.finish()


@pytest.mark.parametrize(
    ("read", "value", "told"),
    [
        (EntryFields.text, None, "'x' is missing"),
        (EntryFields.text, 1, "'x' is not a string"),
        (EntryFields.optional_text, True, "'x' is not a string"),
        (EntryFields.flag, False, "'x' is not true"),
        (EntryFields.flag, None, "'x' is not true"),
        (EntryFields.flag, "true", "'x' is not true"),
        (EntryFields.truth, None, "'x' is not true or false"),
        (EntryFields.truth, 1, "'x' is not true or false"),
        (EntryFields.number, None, "'x' is not a number"),
        (EntryFields.number, True, "'x' is not a number"),
        (EntryFields.number, "1", "'x' is not a number"),
        (EntryFields.texts, "a", "'x' is not a list of strings"),
        (EntryFields.texts, ("a", 1), "'x' is not a list of strings"),
        (EntryFields.sets, None, "'x' is not a list of attribute sets"),
        (EntryFields.sets, ({}, "a"), "'x' is not a list of attribute sets"),
    ],
)
def test_a_field_of_another_type_is_refused(
    read: Callable[[EntryFields, str], object], value: Value, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(EntryFields({"x": value}), "x")
    assert told in caught.value.what


def test_what_nobody_asked_for_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="'novel' means nothing") as caught:
        EntryFields({"novel": True}).finish()
    assert "update npm2nixlite" in caught.value.hint
    assert "npm2nixlite generate" in caught.value.hint


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_hash_has_its_algorithm(algorithm: str) -> None:
    right = digest(algorithm, "x")
    assert read_hash("h", str(right), algorithm) == right
    for other in ("sha1", "sha256", "sha384", "sha512"):
        if other != algorithm:
            with pytest.raises(InputError, match=f"its 'h' is .* no {algorithm} hash"):
                read_hash("h", str(digest(other, "x")), algorithm)
    for text in ("", "x", f" {right}", f"{right}?x", f"{right} {digest(algorithm, 'y')}"):
        with pytest.raises(InputError, match=f"no {algorithm} hash"):
            read_hash("h", text, algorithm)


def test_a_lock_hash_is_in_base_16() -> None:
    assert read_lock_hash("sha256:" + "0f" * 32) == "0f" * 32
    for text in ("0f" * 32, "sha256:" + "0F" * 32, "sha256:" + "0f" * 31, f"sha512:{'0f' * 32}"):
        with pytest.raises(InputError, match="'lockHash'"):
            read_lock_hash(text)


def test_addresses_are_http_normal_and_without_credentials() -> None:
    for text in ("https://h.example/a.tgz", "http://127.0.0.1:80/a?b=1", "https://h.example/"):
        assert read_url(text) == text
    for text in (
        "ftp://h.example/a",
        "https:///a",
        "https://h.example/a#b",
        "HTTPS://h.example/a",
        "https://u@h.example/a",
        "https://h.example/a/../b",
        "https://h.example/%2e%2e/b",
        "https://h.example/a b",
        "a.tgz",
    ):
        with pytest.raises(InputError):
            read_url(text)
    assert read_base("https://h.example/npm/") == "https://h.example/npm/"
    for text in ("https://h.example/npm", "file:///npm/"):
        with pytest.raises(InputError):
            read_base(text)


def test_paths_below_a_base_stay_there() -> None:
    for text in ("a/-/a-1.tgz", "@s/a/-/a-1.tgz?b=1", "a%2fb"):
        assert read_relative_address(text) == text
    for text in ("", "../a", "a/../b", "a#b", "a b", "a\\b", "a/%2e%2e/b"):
        with pytest.raises(InputError):
            read_relative_address(text)


def test_paths_are_relative_and_normal() -> None:
    for text in ("a", "a/b.tgz", "../a", "../.."):
        assert read_path(text) == text
    for text in ("", "/a", "a/../b", "./a", "a\\b", "a\nb", "a//b"):
        with pytest.raises(InputError):
            read_path(text)


@pytest.mark.parametrize(
    ("url", "directory", "ssh"),
    [
        ("https://git.example/g.git", "", None),
        ("https://git@git.example/g", "", None),
        ("ssh://git@git.example:7999/g", "a/b", None),
        ("git@git.example:g/g.git", "a b%", None),
        ("git://git.example/g", "", None),
        ("https://github.com/u/g.git", "p", "ssh://git@github.com/u/g.git"),
    ],
)
def test_a_git_tree_is_as_a_lock_would_name_it(url: str, directory: str, ssh: str | None) -> None:
    for rev in ("0123456789abcdef" * 2 + "0" * 8, "f" * 64):
        assert read_tree(url, rev, directory) == GitTree(url, rev, directory, ssh)


@pytest.mark.parametrize(
    ("url", "rev", "directory", "told"),
    [
        ("https://git.example/g", "a" * 39, "", "no commit"),
        ("https://git.example/g", "a" * 41, "", "no commit"),
        ("https://git.example/g", "A" * 40, "", "no commit"),
        ("https://git.example/g", "--upload-pack=x", "", "no commit"),
        ("https://u:p@git.example/g", REV, "", "credentials"),
        ("ssh://u:p@git.example/g", REV, "", "credentials"),
        ("ssh://git@github.com/u/g.git", REV, "", "not normal"),
        ("git+https://git.example/g", REV, "", "not normal"),
        ("file:///g", REV, "", "cannot be fetched"),
        ("ext::sh", REV, "", "not normal"),
        ("-x@git.example:g", REV, "", "cannot be fetched"),
        ("https://git.example/g", REV, "..", "cannot be fetched"),
        ("https://git.example/g", REV, "a::b", "not normal"),
        ("https://git.example/g", REV, "a/", "not normal"),
    ],
)
def test_a_git_tree_that_no_lock_could_name_is_refused(
    url: str, rev: str, directory: str, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_tree(url, rev, directory)
    assert told in caught.value.what


def test_what_is_in_a_repository_may_leave_its_package_but_not_the_repository() -> None:
    tree = GitTree("https://git.example/g", REV, "a/b")
    for path in ("x", "../x", "../../x", "..x"):
        check_inside(tree, path)
    for path in ("../../../x", "../../.."):
        with pytest.raises(InputError, match="not in its repository"):
            check_inside(tree, path)
    with pytest.raises(InputError):
        check_inside(GitTree("https://git.example/g", REV), "../x")
