"""Trees that others made: walked and removed, however deep they are."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.files import remove_tree, walk
from tests.support.projects import environment

if TYPE_CHECKING:
    from pathlib import Path


def deep(directory: Path, depth: int, name: str = "d") -> None:
    """Directories in each other, deeper than a path can name."""
    directory.mkdir()
    current = os.open(directory, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=current)
        below = os.open(name, os.O_RDONLY, dir_fd=current)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=below))
        os.close(current)
        current = below
    os.close(current)


@pytest.mark.parametrize(("depth", "name"), [(1200, "d"), (1200, "d" * 100), (0, "d")])
def test_removes_trees_of_any_depth(tmp_path: Path, depth: int, name: str) -> None:
    deep(tmp_path / "tree", depth, name)
    remove_tree(tmp_path / "tree")
    assert not list(tmp_path.iterdir())


def test_removes_links_and_not_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "tree/below").mkdir(parents=True)
    (tmp_path / "tree/below/link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove_tree(tmp_path / "tree")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "missing/tree")
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        *["kept", "kept/file"]
    ]


def test_removes_directories_that_have_the_names_it_gives(tmp_path: Path) -> None:
    for name in (".removed-0/.removed-0/.removed-1/x", "a/.removed-0/b", "a/.removed-1"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_removes_what_its_owner_may_not_change(tmp_path: Path) -> None:
    below = tmp_path / "tree/a/b"
    below.mkdir(parents=True)
    (below / "file").touch()
    for directory in (below, below.parent, below.parent.parent):
        directory.chmod(0o000)
    if os.geteuid() != 0:
        remove_tree(tmp_path / "tree")
    else:
        for path in (tmp_path / "tree", tmp_path / "tree/a", below, tmp_path):
            os.chown(path, 65534, 65534)
        program = "import os; from npm2nixlite.files import remove_tree; os.setuid(65534); "
        program += "remove_tree('tree')"
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            cwd=tmp_path,
            env=environment(tmp_path),
        )
    assert not (tmp_path / "tree").exists()


def test_walks_trees_of_any_depth(tmp_path: Path) -> None:
    deep(tmp_path / "tree", 1100)
    assert sum(1 for entry in walk(tmp_path / "tree") if entry.is_file()) == 1100
    remove_tree(tmp_path / "tree")
