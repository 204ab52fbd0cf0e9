"""``npm2nixlite prime`` as its users run it: on real stores, with a registry on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.caches import Project, generated
from tests.support.nix import NixElsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

pytestmark = pytest.mark.nix


@pytest.fixture
def store(tmp_path: Path) -> NixElsewhere:
    """An empty store."""
    return NixElsewhere(tmp_path / "root")


@pytest.fixture
def project(home: Path, registry: Registry) -> Project:
    return generated(home, registry)


def test_what_is_missing_is_fetched_and_a_build_then_fetches_nothing(
    project: Project, store: NixElsewhere, registry: Registry
) -> None:
    run = project.run("prime", project.directory, **store.environment)
    assert run.status == 0, run.stderr
    assert "3 packages fetched" in run.stdout
    assert "3 paths: 3 added, 0 valid already" in run.stdout
    assert len(registry.requests) == 3
    assert sorted(project.build(store)) == project.paths
    store("nix-store", "--verify", "--check-contents")


def test_a_second_run_skips_everything_even_without_the_download_cache(
    project: Project, store: NixElsewhere, registry: Registry
) -> None:
    project.run("prime", project.file, **store.environment)
    requests = len(registry.requests)
    (project.home / "cache").rename(project.home / "gone")
    run = project.run("prime", project.file, "--json", **store.environment)
    assert run.status == 0, run.stderr
    assert (run.json["valid"], run.json["added"], run.json["fetch"]["fetched"]) == (3, 0, 0)
    assert len(registry.requests) == requests


def test_only_what_the_store_lacks_is_fetched(
    project: Project, store: NixElsewhere, registry: Registry
) -> None:
    project.run("prime", project.file, **store.environment)
    registry.requests.clear()
    (project.home / "cache").rename(project.home / "gone")
    store("nix-store", "--delete", project.paths[0])
    run = project.run("prime", project.file, "--json", **store.environment)
    assert (run.json["valid"], run.json["added"], run.json["fetch"]["fetched"]) == (2, 1, 1)
    assert len(registry.requests) == 1


def test_a_dry_run_changes_nothing_and_says_what_is_missing(
    project: Project, store: NixElsewhere, registry: Registry
) -> None:
    run = project.run("prime", project.file, "--dry-run", **store.environment)
    assert run.status == 0, run.stderr
    assert "3 paths: 3 to add, of which 3 to fetch first; 0 valid already" in run.stdout
    listed = project.run("prime", project.file, "--dry-run", "--json", **store.environment)
    assert sorted(listed.json["missing"]) == project.paths
    assert not registry.requests
    assert not list(store.root.glob("nix/store/*.tgz"))


def test_roots_keep_what_was_primed_and_no_more(project: Project, store: NixElsewhere) -> None:
    roots = project.home / "roots"
    project.run("prime", project.file, **store.environment)
    store("nix-store", "--delete", project.paths[0])
    run = project.run("prime", project.file, "--add-root", roots, **store.environment)
    assert run.status == 0, run.stderr
    roots.joinpath("npm2nixlite-9-7").symlink_to(project.paths[1])  # of a lock that was longer
    store("nix-store", "--gc")
    run = project.run("prime", project.file, "--add-root", roots, "--json", **store.environment)
    assert (run.json["valid"], run.json["added"]) == (3, 0)
    links = {str(link.readlink()) for link in roots.iterdir()}
    assert (len(list(roots.iterdir())), links) == (3, set(project.paths))
    for link in roots.iterdir():
        link.unlink()
    store("nix-store", "--gc")
    assert project.run("prime", project.file, "--json", **store.environment).json["added"] == 3


def test_the_file_of_the_working_directory_is_the_default(
    project: Project, store: NixElsewhere
) -> None:
    project.file.rename(project.home / "node-packages.nix")
    run = project.run("prime", **store.environment)
    assert run.status == 0, run.stderr
    assert "3 added" in run.stdout


def test_progress_is_shown_where_it_is_asked_for(project: Project, store: NixElsewhere) -> None:
    run = project.run("prime", project.file, "--progress", **store.environment)
    assert "fetching" in run.stderr
    assert "priming" in run.stderr
    assert project.run("prime", project.file, **store.environment).stderr == ""


def test_offline_what_is_nowhere_is_listed(project: Project, store: NixElsewhere) -> None:
    run = project.run("prime", project.file, "--offline", **store.environment)
    assert run.status == 3
    assert "3 packages of 3 could not be fetched or verified" in run.stderr
    assert "@scope/b@1.0.0 (node_modules/@scope/b): not in the download cache" in run.stderr


def test_a_registry_that_gives_something_else_is_told_and_nothing_is_added(
    project: Project, store: NixElsewhere, registry: Registry
) -> None:
    registry.publish("p0", size=10)
    run = project.run("prime", project.file, **store.environment)
    assert run.status == 3
    assert "wrong content" in run.stderr
    assert not list(store.root.glob("nix/store/*.tgz"))


def test_what_is_damaged_in_the_download_cache_is_fetched_again(
    project: Project, store: NixElsewhere
) -> None:
    project.run("prime", project.file, **store.environment)
    store("nix-store", "--delete", *project.paths)
    for file in (project.home / "cache/sha512").iterdir():
        file.write_bytes(b"damaged")
    run = project.run("prime", project.file, **store.environment)
    assert run.status == 0, run.stderr
    store("nix-store", "--verify-path", *project.paths)
    damaged = [
        file for file in (project.home / "cache/sha512").iterdir() if file.stat().st_size < 8
    ]
    assert damaged == []


@pytest.mark.parametrize("content", ["{ }", "", "\N{SNOWMAN}", None])
def test_what_is_no_generated_file_is_refused(
    home: Path, store: NixElsewhere, content: str | None, project: Project
) -> None:
    file = home / "other.nix"
    if content is not None:
        file.write_text(content)
    run = project.run("prime", file, **store.environment)
    assert run.status == 2
    assert str(file) in run.stderr
    assert "npm2nixlite generate" in run.stderr


def test_without_nix_it_says_so(project: Project, tmp_path: Path) -> None:
    run = project.run("prime", project.file, PATH=str(tmp_path))
    assert run.status == 4
    assert "priming needs Nix" in run.stderr
    assert "install Nix" in run.stderr


def test_a_nix_that_is_too_old_is_refused_by_its_version(project: Project, tmp_path: Path) -> None:
    old = tmp_path / "nix-store"
    old.write_text("#!/bin/sh\necho 'nix-store (Nix) 2.3.16pre1234_abcdef'\n")
    old.chmod(0o755)
    run = project.run("prime", project.file, PATH=f"{tmp_path}:/usr/bin:/bin")
    assert run.status == 4
    assert "priming needs Nix 2.8 or newer; this one is 2.3.16" in run.stderr
