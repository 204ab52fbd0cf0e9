from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npm2nixlite.assemble.groups import mark_groups
from npm2nixlite.assemble.npm10 import leave_traces, optional_set
from tests.assemble.lock_trees import flags, tree_of

if TYPE_CHECKING:
    from pathlib import Path

NPM = "10.9.4"


def test_groups_follow_from_who_depends_on_whom() -> None:
    root = {
        "dependencies": {"prod": "1"},
        "devDependencies": {"dev": "1"},
        "optionalDependencies": {"opt": "1"},
        "peerDependencies": {"peer": "1"},
    }
    packages: dict[str, Any] = {
        "node_modules/prod": {"version": "1.0.0", "dependencies": {"both": "1"}},
        "node_modules/dev": {"version": "1.0.0", "dependencies": {"both": "1", "shared": "1"}},
        "node_modules/opt": {"version": "1.0.0", "dependencies": {"shared": "1"}},
        "node_modules/peer": {"version": "1.0.0"},
        "node_modules/both": {"version": "1.0.0"},
        "node_modules/shared": {"version": "1.0.0"},
        "node_modules/stray": {"version": "1.0.0"},
    }
    tree = tree_of(root, packages, NPM)
    mark_groups(tree)
    found = {name: flags(node) for name, node in tree.root.children.items()}
    assert found["prod"] == found["both"] == set()
    assert found["dev"] == {"dev", "dev_optional"}  # its notes leave the second out
    assert found["opt"] == {"optional", "dev_optional"}
    assert found["peer"] == {"peer"}
    assert found["shared"] == {"dev_optional"}
    assert "extraneous" in found["stray"]


def test_what_only_an_optional_peer_asks_for_is_installed() -> None:
    meta = {"peerDependenciesMeta": {"helper": {"optional": True}}}
    packages = {
        "node_modules/prod": {"version": "1.0.0", "peerDependencies": {"helper": "1"}, **meta},
        "node_modules/helper": {"version": "1.0.0"},
    }
    tree = tree_of({"dependencies": {"prod": "1"}}, packages, NPM)
    mark_groups(tree)
    assert not tree.root.children["helper"].extraneous


def test_a_link_hands_its_groups_on() -> None:
    root = {"devDependencies": {"a": "file:lib"}}
    packages = {
        "lib": {"version": "1.0.0", "dependencies": {"b": "1"}},
        "node_modules/a": {"resolved": "lib", "link": True},
        "node_modules/b": {"version": "1.0.0"},
    }
    tree = tree_of(root, packages, NPM)
    mark_groups(tree)
    assert "dev" in flags(tree.nodes["lib"])
    assert "dev" in flags(tree.nodes["node_modules/b"])
    assert "optional" not in flags(tree.nodes["node_modules/b"])


def test_an_optional_package_goes_with_what_needs_it_and_what_only_they_need() -> None:
    root = {"optionalDependencies": {"outer": "1"}, "dependencies": {"kept": "1"}}
    packages = {
        "node_modules/outer": {"version": "1.0.0", "dependencies": {"fails": "1", "only": "1"}},
        "node_modules/fails": {"version": "1.0.0", "dependencies": {"shared": "1"}},
        "node_modules/only": {"version": "1.0.0", "optionalDependencies": {"extra": "1"}},
        "node_modules/shared": {"version": "1.0.0"},
        "node_modules/extra": {"version": "1.0.0"},
        "node_modules/kept": {"version": "1.0.0", "dependencies": {"shared": "1"}},
    }
    tree = tree_of(root, packages, NPM)
    mark_groups(tree)
    gone = optional_set(tree.root.children["fails"])
    # an optional dependency of what goes is no part of it: npm 11 takes that along
    assert {node.name for node in gone} == {"outer", "fails", "only"}


def test_directories_and_commands_of_what_was_removed_leave_traces(tmp_path: Path) -> None:
    packages = {
        "node_modules/@s/gone": {"version": "1.0.0", "bin": {"tool": "x"}},
        "node_modules/@s/gone/node_modules/deep": {"version": "1.0.0"},
        "node_modules/kept": {"version": "1.0.0", "bin": {"tool": "x"}},
        "node_modules/kept/node_modules/b": {"version": "1.0.0"},
        "lib": {"version": "1.0.0"},
        "node_modules/@l/link": {"resolved": "lib", "link": True},
    }
    tree = tree_of({}, packages, NPM)
    for path in packages:
        if path not in ("node_modules/kept", "lib"):
            tree.nodes[path].inert = True
    (tmp_path / "node_modules/.bin").mkdir(parents=True)
    (tmp_path / "node_modules/.bin/tool").symlink_to("../kept/x")
    leave_traces(tree, tmp_path)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {
        "node_modules",
        "node_modules/.bin",
        "node_modules/@s",
        "node_modules/kept",
        "node_modules/kept/node_modules",
    }
