"""Which workspaces a project has, which are meant, and the order to build them in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.project.build import to_build
from npm2nixlite.project.workspaces import build_order, chosen, workspaces_of

if TYPE_CHECKING:
    from pathlib import Path


def write(directory: Path, **package: Any) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_text(json.dumps(package))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    build = {"scripts": {"build": "true"}}
    write(tmp_path, name="root", workspaces=["packages/*", "apps/*"])
    write(tmp_path / "packages/base", name="@s/base", **build)
    write(tmp_path / "packages/middle", name="middle", devDependencies={"@s/base": "*"}, **build)
    write(tmp_path / "packages/plain", name="plain", dependencies={"middle": "*"})
    write(tmp_path / "apps/top", name="top", dependencies={"plain": "*", "ms": "*"}, **build)
    write(tmp_path / "apps/other", name="other", dependencies={"other": "*"}, **build)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        (["apps/top"], ["apps/top"]),
        (["./apps/top/"], ["apps/top"]),
        (["top"], ["apps/top"]),
        (["@s/base", "packages/base"], ["packages/base"]),
        (["apps"], ["apps/other", "apps/top"]),
    ],
)
def test_workspaces_are_meant_by_directory_name_and_folder(
    project: Path, named: list[str], meant: list[str]
) -> None:
    found = chosen(workspaces_of(project), named)
    assert sorted(one.directory for one in found) == meant


def test_an_unknown_workspace_is_an_error_that_lists_those_there_are(project: Path) -> None:
    with pytest.raises(InputError, match=r"no workspace 'nobody'\n.*packages/base"):
        chosen(workspaces_of(project), ["nobody"])


def test_what_a_workspace_needs_is_built_before_it_and_nothing_else(project: Path) -> None:
    assert to_build(project, "build", ["top"]) == ["packages/base", "packages/middle", "apps/top"]


def test_workspaces_that_need_each_other_are_built_once(tmp_path: Path) -> None:
    write(tmp_path, name="root", workspaces=["*"])
    write(tmp_path / "a", name="a", dependencies={"b": "*"})
    write(tmp_path / "b", name="b", dependencies={"a": "*"})
    workspaces = workspaces_of(tmp_path)
    assert [one.name for one in build_order(workspaces, workspaces)] == ["b", "a"]


def test_a_missing_script_says_what_to_write(project: Path) -> None:
    with pytest.raises(InputError) as caught:
        to_build(project, "build", [])
    assert 'npmWorkspace = "packages/base"' in str(caught.value)
    assert "dontNpmBuild = true" in str(caught.value)
    with pytest.raises(
        InputError, match=r"packages/plain/package.json: there is no script 'build'"
    ):
        to_build(project, "build", ["plain"])


def test_a_missing_script_names_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, name="root", scripts={"compile": "tsc", "test": "jest"})
    with pytest.raises(InputError, match=r"npmBuildScript names another .there is compile, test."):
        to_build(tmp_path, "build", [])
    assert to_build(tmp_path, "compile", []) == ["."]
