"""docs/nix-library.md: each row of its comparison names a test, or a fixture, that there is."""

from __future__ import annotations

import re

import pytest

from tests.support.projects import ROOT

PAGE = (ROOT / "docs/nix-library.md").read_text()
_, _, COMPARISON = PAGE.partition("## Beside nixpkgs' builders")
ROWS = [
    line.strip("| ").split(" | ")
    for line in COMPARISON.partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| |")
]


@pytest.fixture(scope="module")
def tests() -> str:
    return "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_is_proven_by_what_it_names(tests: str, row: list[str]) -> None:
    named = re.fullmatch(r"`([\w/-]+)`", row[-1])
    assert named, row
    if named[1].startswith("fixtures/"):
        assert (ROOT / named[1]).is_dir()
    else:
        assert f"def {named[1]}(" in tests


def test_there_are_rows() -> None:
    assert len(ROWS) > 10
