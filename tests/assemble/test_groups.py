"""npm 11's way of working out groups; `test_npm10` has the older one."""

from __future__ import annotations

from typing import Any

from npm2nixlite.assemble.groups import believe_flags, mark_groups, remove_extraneous
from tests.assemble.lock_trees import flags, tree_of

ROOT = {
    "dependencies": {"prod": "1"},
    "devDependencies": {"dev": "1"},
    "optionalDependencies": {"opt": "1"},
    "peerDependencies": {"peer": "1"},
}
PACKAGES: dict[str, Any] = {
    "node_modules/prod": {"version": "1.0.0", "dependencies": {"both": "1"}},
    "node_modules/dev": {"version": "1.0.0", "dependencies": {"both": "1", "shared": "1"}},
    "node_modules/opt": {"version": "1.0.0", "dependencies": {"shared": "1"}},
    "node_modules/peer": {"version": "1.0.0"},
    "node_modules/both": {"version": "1.0.0"},
    "node_modules/shared": {"version": "1.0.0"},
    "node_modules/stray": {"version": "1.0.0"},
}


def test_groups_follow_from_who_depends_on_whom() -> None:
    tree = tree_of(ROOT, PACKAGES)
    mark_groups(tree)
    assert {name: flags(node) for name, node in tree.root.children.items()} == {
        "prod": set(),
        "dev": {"dev"},
        "opt": {"optional"},
        "peer": {"peer"},
        "both": set(),
        "shared": {"dev_optional"},
        "stray": {"extraneous", "dev", "optional", "peer", "dev_optional"},
    }
    remove_extraneous(tree)
    assert "stray" not in tree.root.children
    assert "node_modules/stray" not in tree.nodes


def test_what_only_an_optional_peer_asks_for_is_of_no_use() -> None:
    meta = {"peerDependenciesMeta": {"helper": {"optional": True}}}
    packages = {
        "node_modules/prod": {"version": "1.0.0", "peerDependencies": {"helper": "1"}, **meta},
        "node_modules/helper": {"version": "1.0.0"},
    }
    tree = tree_of({"dependencies": {"prod": "1"}}, packages)
    mark_groups(tree)
    assert tree.root.children["helper"].extraneous


def test_of_two_links_to_a_directory_the_one_in_fewer_groups_counts_since_npm_11_18() -> None:
    root = {"dependencies": {"a": "file:lib"}, "peerDependencies": {"b": "file:lib"}}
    packages = {
        "lib": {"version": "1.0.0"},
        "node_modules/a": {"resolved": "lib", "link": True},
        "node_modules/b": {"resolved": "lib", "link": True},
    }
    found = {}
    for npm in ("11.17.0", "11.18.0"):
        tree = tree_of(root, packages, npm)
        mark_groups(tree)
        found[npm] = flags(tree.nodes["lib"])
    assert found == {"11.17.0": {"peer"}, "11.18.0": set()}


def marked(**more: Any) -> dict[str, Any]:
    return {"node_modules/prod": {"version": "1.0.0", "dev": True, "peer": True}, **more}


def test_npm_10_takes_a_lock_at_its_word_where_package_json_agrees() -> None:
    root = {"dependencies": {"prod": "1"}}
    stray = {"node_modules/stray": {"version": "1.0.0"}}
    tree = tree_of(root, marked(**stray), "10.9.4")
    assert believe_flags(tree, root)
    assert flags(tree.root.children["prod"]) == {"dev", "peer"}
    assert flags(tree.root.children["stray"]) == set()


def test_a_link_is_in_the_groups_of_its_target() -> None:
    root = {"dependencies": {"a": "file:lib"}}
    packages = {
        "lib": {"version": "1.0.0", "dev": True},
        "node_modules/a": {"resolved": "lib", "link": True},
    }
    tree = tree_of(root, packages, "10.9.4")
    assert believe_flags(tree, root)
    assert flags(tree.root.children["a"]) == {"dev"}


def test_it_is_not_taken_at_its_word_where_package_json_asks_otherwise() -> None:
    now = {"dependencies": {"prod": "1"}}
    for then in (
        {"dependencies": {"prod": "2"}},
        {"devDependencies": {"prod": "1"}},
        {"optionalDependencies": {"prod": "1"}},
        {"peerDependencies": {"prod": "1"}},
        {"dependencies": {"prod": "1", "more": "1"}},
        {},
        None,
    ):
        assert not believe_flags(tree_of(now, marked(), "10.9.4"), then), then


def test_workspaces_and_optional_peers_of_the_project_have_to_agree_as_well() -> None:
    then = {
        "workspaces": ["lib"],
        "peerDependencies": {"prod": "1"},
        "peerDependenciesMeta": {"prod": {"optional": True}},
    }
    packages = marked(
        **{"lib": {"version": "1.0.0"}, "node_modules/lib": {"resolved": "lib", "link": True}}
    )
    assert believe_flags(tree_of(then, packages, "10.9.4"), then)
    for missing in then:
        now = {key: value for key, value in then.items() if key != missing}
        assert not believe_flags(tree_of(now, packages, "10.9.4"), then), missing


def test_newer_ones_never_do() -> None:
    root = {"dependencies": {"prod": "1"}}
    assert not believe_flags(tree_of(root, marked(), "11.11.1"), root)
