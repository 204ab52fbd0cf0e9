"""From a lock and its pins to the model."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from npm2nixlite.assemble.recorded import Recorded
from npm2nixlite.lock.git import GitTree
from npm2nixlite.lock.model import Bundled, Link, LocalDirectory, Lock
from npm2nixlite.lock.parse import parse_lock
from npm2nixlite.node_packages.from_lock import Prepared, node_packages_of
from npm2nixlite.node_packages.model import Flag, LocalPin, NodePackages, PackageEntry, Unfilled
from npm2nixlite.plan import Blocker
from tests.node_packages.models import digest

PIN = LocalPin("a.tgz", digest("sha256", ""))
PACKAGES = {
    "": {"name": "p", "version": "1.2.3"},
    "lib": {"name": "library"},
    "node_modules/a": {
        "version": "1.0.0",
        "name": "b",
        "resolved": "file:a.tgz",
        "os": ["linux"],
        "cpu": ["x64"],
        "libc": ["glibc"],
    },
    "node_modules/a/node_modules/c": {"version": "1.0.0", "inBundle": True},
    "node_modules/gone": {"optional": True},
    "node_modules/g": {"resolved": "github:u/g", "version": "1.0.0"},
    "node_modules/lib": {"link": True, "resolved": "lib"},
}


def lock(packages: dict[str, object], file: str = "x/package-lock.json") -> Lock:
    content = {"lockfileVersion": 3, "packages": packages}
    return parse_lock(json.dumps(content).encode(), file)


def test_a_lock_becomes_a_model() -> None:
    of = lock(PACKAGES)
    blockers = [Blocker("node_modules/g", "why")]
    base = "https://registry.example/"
    assert node_packages_of(of, {"node_modules/a": PIN}, blockers, base, "..") == NodePackages(
        lock_name="package-lock.json",
        lock_sha256=of.sha256,
        lockfile_version=3,
        name="p",
        version="1.2.3",
        registry=base,
        project="..",
        blockers=tuple(blockers),
        entries=(
            PackageEntry("lib", "library", None, LocalDirectory("lib")),
            PackageEntry(
                "node_modules/a",
                "b",
                "1.0.0",
                PIN,
                os=("linux",),
                cpu=("x64",),
                libc=("glibc",),
            ),
            PackageEntry(
                "node_modules/a/node_modules/c",
                "c",
                "1.0.0",
                Bundled(),
                frozenset([Flag.IN_BUNDLE]),
            ),
            PackageEntry("node_modules/g", "g", "1.0.0", Unfilled()),
            Link("node_modules/lib", "lib"),
        ),
    )


def test_each_flag_of_a_package_is_one_of_the_file() -> None:
    of = lock({"node_modules/a": {"version": "1.0.0", "resolved": "file:a.tgz"}})
    (package,) = of.packages
    for flag in set(Flag) - {Flag.SCRIPTS_ALLOWED, Flag.SCRIPTS_DENIED}:
        values: dict[str, Any] = {flag.name.lower(): True}
        flagged = replace(of, entries=(replace(package, **values),))
        model = node_packages_of(flagged, {package.install_path: PIN}, [], None)
        (entry,) = model.entries
        assert isinstance(entry, PackageEntry)
        assert entry.flags == {flag}


def test_whether_scripts_may_run_is_what_the_project_says() -> None:
    of = lock({"node_modules/a": {"version": "1.0.0", "resolved": "file:a.tgz"}})
    for says, flags in (
        ({}, set()),
        ({"node_modules/a": True}, {Flag.SCRIPTS_ALLOWED}),
        ({"node_modules/a": False}, {Flag.SCRIPTS_DENIED}),
        ({"node_modules/b": True}, set()),
    ):
        model = node_packages_of(of, {"node_modules/a": PIN}, [], None, scripts=says)
        (entry,) = model.entries
        assert isinstance(entry, PackageEntry)
        assert entry.flags == flags


def test_what_is_recorded_is_taken_over() -> None:
    recorded = Recorded({"omit": "dev"})
    assert node_packages_of(lock({}), {}, [], None, recorded=recorded).recorded is recorded


def test_defaults_are_no_registry_and_the_files_own_directory() -> None:
    model = node_packages_of(lock({}), {}, iter(()), None)
    assert (model.registry, model.project, model.prepared) == (None, ".", {})
    assert (model.name, model.version, model.entries, model.blockers) == (None, None, (), ())


def test_what_git_dependencies_are_built_by_has_pins_of_its_own() -> None:
    tree = GitTree("https://git.example/g.git", "a" * 40)
    own = lock({"node_modules/a": {"version": "1.0.0", "resolved": "file:a.tgz"}})
    prepared = {tree: Prepared(own, {"node_modules/a": PIN})}
    model = node_packages_of(lock({}), {}, [], None, ".", prepared)
    assert model.prepared == {tree: (PackageEntry("node_modules/a", "a", "1.0.0", PIN),)}


def test_the_locks_name_can_stand_in_a_comment() -> None:
    model = node_packages_of(lock({}, "d/ä\n}l.json"), {}, [], None)
    assert model.lock_name == "?}l.json"
