"""Places in the tree, beside the installed npm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.archives import Member, package
from tests.support.npm_projects import NpmProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.npm


@pytest.mark.parametrize("names", [["Thing", "thing"], ["thing", "Thing"]])
def test_of_names_that_differ_only_in_case_one_is_installed(
    tmp_path: Path, registry: Registry, names: list[str]
) -> None:
    project = NpmProject(tmp_path / "project", registry)
    project.manifest["dependencies"] = dict.fromkeys(names, "1.0.0")
    for name in names:
        project.add(f"node_modules/{name}", package(name, Member("package/f", name.encode())))
    assert not project.differences()


def test_a_nested_package_is_another_ones_in_other_case(tmp_path: Path, registry: Registry) -> None:
    project = NpmProject(tmp_path / "project", registry)
    project.manifest["dependencies"] = {"a": "1.0.0", "Thing": "1.0.0"}
    project.add("node_modules/a", package("a"), dependencies={"thing": "1.0.0"})
    project.add("node_modules/Thing", package("Thing"))
    project.add("node_modules/a/node_modules/thing", package("thing"))
    assert not project.differences()
