"""Links that lead to nothing are an error, whatever else a result has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import BuildError
from npm2nixlite.project.links import check_links

if TYPE_CHECKING:
    from pathlib import Path


def test_links_that_lead_somewhere_are_fine(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/to-b").symlink_to("b")
    (tmp_path / "loop").symlink_to(".")
    check_links(tmp_path)


def test_all_dangling_links_are_named_with_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/one").symlink_to("../../packages/one")
    (tmp_path / "two").symlink_to("one")
    (tmp_path / "itself").symlink_to("itself")
    with pytest.raises(BuildError) as caught:
        check_links(tmp_path)
    said = str(caught.value)
    assert "3 links lead to nothing" in said
    assert "deep/er/one leads to ../../packages/one" in said
    assert "localDependencies" in said
