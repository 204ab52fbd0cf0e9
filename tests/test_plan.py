from __future__ import annotations

import json
from typing import Any

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock
from npm2nixlite.lock.parse import parse_lock, read_lock
from npm2nixlite.plan import Address, Plan, plan_lock
from tests.support.projects import ROOT
from tests.support.tarballs import sri

HASH = sri(b"x")


def plan(packages: dict[str, Any], scopes: dict[str, str] | None = None) -> Plan:
    content = json.dumps({"lockfileVersion": 3, "packages": packages}).encode()

    def scope_registry(name: str) -> str | None:
        return (scopes or {}).get(name.partition("/")[0])

    return plan_lock(parse_lock(content, "package-lock.json"), scope_registry)


def at(base: str, name: str = "a") -> dict[str, Any]:
    path = f"{name}/-/{name.rpartition('/')[2]}-1.0.0.tgz"
    return {"version": "1.0.0", "resolved": f"{base}{path}", "integrity": HASH}


def test_one_tarball_serves_all_its_install_paths_and_gathers_their_hashes() -> None:
    entry = {"version": "1.0.0"}
    weak = sri(b"x", "sha1")
    found = plan(
        {
            "node_modules/a": {**entry, "integrity": HASH},
            "node_modules/b/node_modules/a": {**entry, "integrity": weak},
            "node_modules/c": {**entry, "name": "a"},
        }
    )
    (tarball,) = found.tarballs
    assert tarball.address == Address("a/-/a-1.0.0.tgz", relative=True)
    assert tarball.install_paths == (
        "node_modules/a",
        "node_modules/b/node_modules/a",
        "node_modules/c",
    )
    assert {str(integrity) for integrity in tarball.integrities} == {HASH, weak}


def test_the_base_that_most_entries_name_is_the_registry_and_others_stay_whole() -> None:
    found = plan(
        {
            "node_modules/a": at("https://main.example/npm/"),
            "node_modules/b": at("https://main.example/npm/", "b"),
            "node_modules/c": at("https://other.example/", "c"),
        }
    )
    assert found.registry == "https://main.example/npm/"
    assert [tarball.address for tarball in found.tarballs] == [
        Address("a/-/a-1.0.0.tgz", relative=True),
        Address("b/-/b-1.0.0.tgz", relative=True),
        Address("https://other.example/c/-/c-1.0.0.tgz", relative=False),
    ]


def test_a_scope_with_a_registry_of_its_own_has_whole_addresses() -> None:
    packages = {"node_modules/@s/a": {"version": "1.0.0", "integrity": HASH}}
    found = plan(packages, {"@s": "https://scope.example/"})
    assert found.registry is None
    (tarball,) = found.tarballs
    assert tarball.address == Address("https://scope.example/@s/a/-/a-1.0.0.tgz", relative=False)


def test_git_is_a_blocker_with_a_reason_and_local_tarballs_and_directories_are_none() -> None:
    found = plan(
        {
            "node_modules/a": {
                "version": "1.0.0",
                "resolved": "git+https://f.example/a.git#c0ffee",
            },
            "node_modules/b": {"version": "1.0.0", "resolved": "file:b.tgz", "integrity": HASH},
            "node_modules/c": {"version": "1.0.0", "resolved": "file:c"},
            "node_modules/d": {"link": True, "resolved": "d"},
            "d": {},
        }
    )
    assert [(blocker.install_path, blocker.reason) for blocker in found.blockers] == [
        ("node_modules/a", "git dependency: the lock gives no commit for it, only 'c0ffee'"),
    ]
    (local,) = found.local_files
    assert (local.path, local.install_paths) == ("b.tgz", ("node_modules/b",))
    assert {str(integrity) for integrity in local.integrities} == {HASH}


@pytest.mark.parametrize("version", ["1.0", "latest", "1.0.0.0", "v1.0.0", "", "1.0.0 ", "01.0.0"])
def test_a_registry_package_needs_a_semantic_version(version: str) -> None:
    with pytest.raises(InputError, match="is no version") as caught:
        plan({"node_modules/a": {"version": version}})
    assert caught.value.where == ("package-lock.json", "node_modules/a")


@pytest.mark.parametrize(
    ("fixture", "tarballs"),
    [("explorer-frontend", 1241), ("explorer-backend", 549), ("v1-nesting", 20), ("alias", 24)],
)
def test_fixtures_have_as_many_tarballs_as_their_table_says(fixture: str, tarballs: int) -> None:
    lock = read_lock(find_lock(ROOT / "fixtures" / fixture))
    assert len(plan_lock(lock, lambda _name: None).tarballs) == tarballs
