"""What is handed to git is a commit and an address, whoever wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import FetchError
from npm2nixlite.sources.git_checkout import check_out
from tests.support.git import serve_git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("rev", "url"),
    [
        ("--upload-pack=touch {mark}", None),
        ("HEAD", None),
        ("a" * 39, None),
        ("{rev}\n", None),
        ("{rev}", "--upload-pack=touch {mark}"),
        ("{rev}", "ext::sh -c touch% {mark}"),
        ("{rev}", "-u@host:path"),
        ("{rev}", "user@-oProxyCommand=touch:path"),
    ],
)
def test_neither_a_commit_nor_an_address_runs_a_command(
    tmp_path: Path, rev: str, url: str | None
) -> None:
    mark = tmp_path / "mark"
    with serve_git(tmp_path / "forge") as forge:
        real = forge.commit("g", {"a": "a"})
        address = url.format(mark=mark) if url else f"{forge.base}g.git"
        with pytest.raises(FetchError, match="is no"):
            check_out(
                address,
                rev.format(mark=mark, rev=real),
                tmp_path / "out",
                submodules=False,
                timeout=5,
            )
        assert not mark.exists()
        assert not (tmp_path / "out").exists()
        assert not check_out(
            f"{forge.base}g.git", real, tmp_path / "out", submodules=False, timeout=5
        )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
