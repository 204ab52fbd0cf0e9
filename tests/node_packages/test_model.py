"""What the model of the generated file derives, and what it makes impossible."""

from __future__ import annotations

import pytest

from npm2nixlite.lock.git import GitTree
from npm2nixlite.lock.model import Bundled, Link
from npm2nixlite.node_packages.model import (
    FORMAT,
    Content,
    Flag,
    GitPin,
    LocalPin,
    NodePackages,
    PackageEntry,
    Pin,
    Unfilled,
    default_name,
)
from npm2nixlite.plan import Address, Blocker
from tests.node_packages.models import digest

TREE = GitTree("git@git.example:u/g.git", "0123456789" * 4)


def test_the_format_is_the_first() -> None:
    assert FORMAT == 1


@pytest.mark.parametrize(
    ("pin", "name"),
    [
        (Pin(Address("@s/a/-/a-1.tgz", relative=True), digest("sha512", "")), "a-1.tgz"),
        (Pin(Address("https://h/a?b&c", relative=False), digest("sha512", "")), "a"),
        (LocalPin("v/a b.tgz", digest("sha256", "")), "a-b.tgz"),
        (GitPin(TREE, digest("sha256", ""), submodules=False), "g-0123456"),
    ],
)
def test_a_store_name_follows_from_the_address(pin: Pin | LocalPin | GitPin, name: str) -> None:
    assert pin.store_name == name


@pytest.mark.parametrize(
    ("content", "flags"),
    [(Bundled(), []), (Bundled(), [Flag.DEV]), (Unfilled(), [Flag.IN_BUNDLE])],
)
def test_an_entry_is_bundled_exactly_where_its_flags_say_so(
    content: Content, flags: list[Flag]
) -> None:
    with pytest.raises(ValueError, match="bundled"):
        PackageEntry("node_modules/a", "a", None, content, frozenset(flags))


def test_what_is_fetched_may_be_in_a_bundle_as_well() -> None:
    pin = LocalPin("a.tgz", digest("sha256", ""))
    for flags in ([], [Flag.IN_BUNDLE]):
        assert PackageEntry("node_modules/a", "a", None, pin, frozenset(flags)).content is pin


def test_flags_are_attributes_in_the_order_of_the_file() -> None:
    assert [flag.value for flag in Flag] == [
        "dev",
        "optional",
        "devOptional",
        "peer",
        "extraneous",
        "kept",
        "inBundle",
        "hasInstallScript",
        "scriptsAllowed",
        "scriptsDenied",
    ]


def test_a_file_is_canonical_without_blockers() -> None:
    assert NodePackages("", "", 3).canonical
    assert not NodePackages("", "", 3, blockers=(Blocker("a", "b"),)).canonical


def test_every_entry_has_a_label() -> None:
    one = Link("node_modules/a", "a")
    other = PackageEntry("node_modules/b", "b", None, Unfilled())
    model = NodePackages("", "", 3, entries=(one,), prepared={TREE: (other,)})
    assert list(model.labelled()) == [
        ("node_modules/a", one),
        (f"git@git.example:u/g.git#{'0123456789' * 4} node_modules/b", other),
    ]


@pytest.mark.parametrize(
    ("install_path", "name"),
    [
        ("node_modules/a", "a"),
        ("node_modules/a/node_modules/@s/b", "@s/b"),
        ("packages/x/node_modules/a", "a"),
        ("node_modules/@node_modules/a", "@node_modules/a"),
        ("packages/x", None),
        ("my_node_modules/a", None),
    ],
)
def test_an_install_path_tells_a_name(install_path: str, name: str | None) -> None:
    assert default_name(install_path) == name
