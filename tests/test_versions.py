"""What a bump is, and which version a tool names."""

from __future__ import annotations

import pytest

from npm2nixlite.versions import Bump, bump, is_older, is_semantic, version_in


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("1.4.2", "2.0.0", Bump.MAJOR),
        ("2.9.9", "1.10.10", Bump.MAJOR),
        ("1.4.2", "1.10.0", Bump.MINOR),
        ("0.1.0", "0.2.1", Bump.MINOR),
        ("1.4.2", "1.4.10", Bump.PATCH),
        ("1.4.2", "1.4.1", Bump.PATCH),
        ("1.0.0-rc.1", "1.0.0", Bump.PRERELEASE),
        ("1.0.0-rc.1", "1.0.0-rc.2", Bump.PRERELEASE),
        ("1.0.0+1", "1.0.0+2", Bump.BUILD),
        ("1.0.0", "1.0.0", None),
        ("1.0.0", "-> packages/a", None),
        ("", "1.0.0", None),
        ("1.0", "2.0.0", None),
    ],
)
def test_a_bump_is_named_by_the_first_part_that_differs(
    old: str, new: str, kind: Bump | None
) -> None:
    assert bump(old, new) is kind
    assert bump(new, old) is kind


def test_versions_are_older_by_number_and_not_by_letter() -> None:
    assert is_older("1.9.0", "1.10.0")
    assert is_older("1.0.0-rc.1", "1.0.0")
    assert not is_older("1.10.0", "1.9.0")
    assert not is_older("1.0.0", "1.0.0")


@pytest.mark.parametrize(
    ("text", "semantic"),
    [("1.2.3", True), ("1.2.3-a.b+c", True), ("v1.2.3", False), ("1.2", False), ("01.2.3", False)],
)
def test_a_semantic_version_has_three_numbers(text: str, semantic: bool) -> None:
    assert is_semantic(text) is semantic


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("nix-store (Nix) 2.8.0\n", "2.8.0"),
        ("nix-store (Nix) 2.34.0pre20260101_abcdef\n", "2.34.0"),
        ("curl 8.5.0 (x86_64-pc-linux-gnu) libcurl/8.6.0\nRelease-Date: 2023.12.06\n", "8.5.0"),
        ("no version here\n1.2.3\n", None),
        ("", None),
    ],
)
def test_a_tool_names_its_version_on_its_first_line(answer: str, version: str | None) -> None:
    found = version_in(answer)
    assert (None if found is None else str(found)) == version


def test_versions_of_tools_are_compared_by_number() -> None:
    older, newer = version_in("Nix 2.8"), version_in("Nix 2.34.1")
    assert older is not None
    assert newer is not None
    assert older < newer
