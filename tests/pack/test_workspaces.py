"""Which directories are workspaces: held against the installed npm's own mapping."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.pack.workspaces import is_workspace, workspace_directories
from tests.support.npm import ask_npm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.npm

DIRECTORIES = (
    *("packages/a", "packages/b", "packages/b/deep", "packages/.hidden", "packages/@s/c"),
    *("packages/a/node_modules/x", "apps/a", "apps/web-1", "apps/web-2", "Packages/a", "lone"),
)
WORKSPACES: list[Any] = [
    ["packages/*"],
    ["./packages/*/"],
    ["packages/**"],
    ["{packages,apps}/*"],
    ["packages/{a,b}"],
    ["packages/*", "!packages/b"],
    ["!packages/b", "packages/*"],
    ["packages/**", "!packages/b/**"],
    ["packages/**", "!packages/b/**", "packages/b/deep"],
    ["apps/web-{1..2}"],
    ["apps/web-?", "apps/[a]"],
    ["apps/!(a)"],
    ["apps/@(a|web-1)"],
    ["packages/.*"],
    ["packages/.hidden"],
    ["packages/@*/*"],
    ["lone", "**/a"],
    ["*"],
    ["!!packages/a"],
    ["packages/*", "!packages/*"],
    {"packages": ["apps/*"]},
    ["/lone"],
    [],
]
SCRIPT = """
const map = MODULES['@npmcli/map-workspaces']
const path = require('path')
const [cwd, cases, keys] = data
const below = found => [...found.values()].map(place => path.relative(cwd, place))
Promise.all(cases.map(async workspaces => [
  below(await map({ cwd, pkg: { workspaces } })),
  below(map.virtual({ cwd, lockfile: {
    packages: { '': { workspaces }, ...Object.fromEntries(keys.map(key => [key, {name: key}])) },
  } })),
])).then(all => console.log(JSON.stringify(all)))
"""


def test_the_directories_are_those_that_npm_finds_on_disk_and_in_a_lock(tmp_path: Path) -> None:
    for directory in DIRECTORIES:
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
        (tmp_path / directory / "package.json").write_text(json.dumps({"name": directory}))
    (tmp_path / "packages/none").mkdir()
    answers = ask_npm(SCRIPT, [str(tmp_path), WORKSPACES, DIRECTORIES], "@npmcli/map-workspaces")
    for workspaces, (on_disk, in_lock) in zip(WORKSPACES, answers, strict=True):
        assert sorted(workspace_directories(tmp_path, workspaces)) == sorted(on_disk), workspaces
        if workspaces == ["./packages/*/"]:
            continue  # npm finds these on disk only, which is where it looks when it installs
        ours = [directory for directory in DIRECTORIES if is_workspace(directory, workspaces)]
        assert sorted(ours) == sorted(in_lock), workspaces
