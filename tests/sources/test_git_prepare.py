"""What npm does with a git dependency before it packs it, told by its tree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.lock.git import GitTree
from npm2nixlite.sources.git_prepare import Preparation, inspect_tree

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = GitTree("https://git.example/g.git", "a" * 40)
ON_FORGE = GitTree("https://github.com/u/g.git", "a" * 40, ssh="ssh://git@github.com/u/g.git")
LOCK = "package-lock.json"


def inspect(
    place: Path, manifest: object, *files: str, tree: GitTree = ELSEWHERE, attributes: str = ""
) -> Preparation:
    project = place / tree.directory
    project.mkdir(parents=True, exist_ok=True)
    (project / "package.json").write_text(json.dumps(manifest))
    for file in files:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_text("{}")
    if attributes:
        (place / ".gitattributes").write_text(attributes)
    return inspect_tree(tree, place)


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"scripts": {}},
        {"scripts": None},
        {"scripts": {"test": "x"}},
        {"scripts": {"install": "x"}},
        {"scripts": {"prepublish": "x"}},
        {"bundleDependencies": ["a"]},
    ],
)
def test_what_no_script_builds_is_packed_as_it_is(tmp_path: Path, manifest: object) -> None:
    assert inspect(tmp_path, manifest) == Preparation()
    assert inspect(tmp_path, manifest, LOCK) == Preparation()


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"scripts": {"prepare": "x"}}, "scripts: prepare"),
        ({"scripts": {"prepack": "x"}}, "scripts: prepack"),
        ({"scripts": {"build": "x", "prepublish": "y"}}, "scripts: prepublish"),
        ({"scripts": {"preinstall": "x", "preprepare": "y"}}, "scripts: preprepare"),
        ({"scripts": {"postinstall": "x", "postprepare": "y"}}, "scripts: postprepare"),
        ({"scripts": {"prepare": "x", "prepack": "y"}}, "scripts: prepare, prepack"),
        ({"workspaces": ["a"], "scripts": {"prepublish": "y"}}, "scripts: prepublish"),
        ({"scripts": {"install": "x"}, "bundleDependencies": ["a"]}, "bundleDependencies"),
        ({"scripts": {"install": "x"}, "bundledDependencies": ["a"]}, "bundleDependencies"),
    ],
)
def test_what_is_built_is_built_by_its_own_lock(tmp_path: Path, manifest: object, why: str) -> None:
    (obstacle,) = inspect(tmp_path, manifest).obstacles
    assert why in obstacle
    assert "in no lock" in obstacle
    assert inspect(tmp_path, manifest, LOCK) == Preparation(tmp_path / LOCK)
    shrinkwrap = tmp_path / "npm-shrinkwrap.json"
    shrinkwrap.write_text("{}")
    assert inspect_tree(ELSEWHERE, tmp_path).lock == shrinkwrap
    (tmp_path / "node_modules").mkdir()
    (obstacle,) = inspect_tree(ELSEWHERE, tmp_path).obstacles
    assert why in obstacle
    assert "over the node_modules" in obstacle


def test_workspaces_are_installed_where_there_is_a_lock(tmp_path: Path) -> None:
    assert inspect(tmp_path, {"workspaces": ["a"]}) == Preparation()
    assert inspect(tmp_path, {"workspaces": ["a"]}, LOCK) == Preparation(tmp_path / LOCK)


def test_the_directory_that_is_named_counts(tmp_path: Path) -> None:
    tree = GitTree(ELSEWHERE.url, ELSEWHERE.rev, "packages/g")
    (tmp_path / LOCK).write_text("{}")
    manifest = {"scripts": {"prepare": "x"}}
    assert inspect(tmp_path, manifest, tree=tree).obstacles
    own = tmp_path / "packages/g" / LOCK
    assert inspect(tmp_path, manifest, LOCK, tree=tree) == Preparation(own)


def test_a_tree_without_a_readable_package_json_cannot_be_packed(tmp_path: Path) -> None:
    assert inspect_tree(ELSEWHERE, tmp_path).obstacles == ("it has no package.json",)
    for text in ("{", "[]"):
        (tmp_path / "package.json").write_text(text)
        (obstacle,) = inspect_tree(ELSEWHERE, tmp_path).obstacles
        assert "its package.json cannot be read" in obstacle


def test_what_a_link_leads_to_is_not_the_trees(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("{}")
    place = tmp_path / "g"
    place.mkdir()
    (place / "package.json").symlink_to(tmp_path / "real.json")
    assert inspect_tree(ELSEWHERE, place).obstacles == ("it has no package.json",)
    (place / "package.json").unlink()
    (place / LOCK).symlink_to(tmp_path / "real.json")
    (obstacle,) = inspect(place, {"scripts": {"prepare": "x"}}).obstacles
    assert "in no lock" in obstacle
    (place / LOCK).unlink()
    (place / LOCK).mkdir()
    assert inspect(place, {"scripts": {"prepare": "x"}}).lock is None


@pytest.mark.parametrize(
    ("attributes", "differs"),
    [
        ("docs export-ignore\n", True),
        ("* text\nversion export-subst\n", True),
        ("* text eol=lf\n", False),
        ("export-ignore text\n", False),
        ("# docs export-ignore\n", False),
        ("  # docs export-ignore\n", False),
        ("", False),
    ],
)
def test_an_archive_of_a_forge_may_differ_from_the_commit(
    tmp_path: Path, attributes: str, differs: bool
) -> None:
    found = inspect(tmp_path, {}, tree=ON_FORGE, attributes=attributes).obstacles
    assert ["forge's archive" in obstacle for obstacle in found] == ([True] if differs else [])
    assert inspect(tmp_path, {}, attributes=attributes) == Preparation()


def test_attributes_count_wherever_they_are_but_not_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a export-ignore\n")
    place = tmp_path / "g"
    (place / "below").mkdir(parents=True)
    (place / "below/.gitattributes").symlink_to(tmp_path / "real")
    assert inspect(place, {}, tree=ON_FORGE) == Preparation()
    (place / "below/.gitattributes").unlink()
    (place / "below/.gitattributes").write_text("a export-ignore\n")
    assert len(inspect(place, {}, tree=ON_FORGE).obstacles) == 1
