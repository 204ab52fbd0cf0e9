"""What fetching costs, in counts: they are the same on every machine, however busy it is.

The bounds say what each tarball may cost, and what a run may: with 300 tarballs on 16 connections,
whatever is done once more for each tarball is far beyond what is allowed for the run.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.notes import Notes, run_counted
from tests.support.projects import locked, write_lock
from tests.support.registry import Registry, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGES = 300
CONNECTIONS = 16
MOST_PROCESSES = 4
RUN_FILES = 2
"""Opened in the cache whatever there is to fetch: locks of the partial downloads."""

BATCH = 256 * 1024
"""Bytes of a large tarball that are worth a hand-over to a thread."""


@dataclass(frozen=True)
class Fetched:
    """A run, and where it took place."""

    home: Path
    registry: Registry
    sizes: dict[str, int]
    notes: Notes

    def again(self, *arguments: str) -> Notes:
        return generate(self.home, self.registry, *arguments)


def generate(home: Path, registry: Registry, *arguments: str) -> Notes:
    return run_counted(
        *("npm2nixlite", "generate", home / "project", "--cache-dir", home / "cache"),
        *("--registry", registry.base, "--retries", "0", "--connections", str(CONNECTIONS)),
        *arguments,
        home=home,
    )


def published(registry: Registry, sizes: dict[str, int], home: Path) -> dict[str, int]:
    """Publish packages and lock them; returns their tarballs' paths and sizes."""
    tarballs = {name: registry.publish(name, size=size) for name, size in sizes.items()}
    write_lock(
        home / "project",
        {f"node_modules/{name}": locked(integrity=sri(data)) for name, data in tarballs.items()},
    )
    return {f"/{name}/-/{name}-1.0.0.tgz": len(data) for name, data in tarballs.items()}


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetched]:
    home = tmp_path_factory.mktemp("home")
    chance = random.Random("counts")
    sizes = {f"package-{number}": chance.randrange(8000) for number in range(PACKAGES)}
    with serve_registry() as registry:
        known = published(registry, sizes, home)
        yield Fetched(home, registry, known, generate(home, registry))


def test_each_tarball_is_asked_for_once_and_nothing_else_is(cold: Fetched) -> None:
    assert sorted(cold.registry.paths()) == sorted(cold.sizes)
    assert cold.registry.sent == sum(cold.sizes.values())


def test_connections_are_kept(cold: Fetched) -> None:
    """At most those that the user allows; and each process's first, closed before the others."""
    assert cold.registry.connections <= CONNECTIONS + cold.notes.processes("connect")
    assert len(cold.notes.of("connect")) == cold.registry.connections
    assert cold.notes.processes("connect") <= MOST_PROCESSES


def test_each_tarball_is_opened_once_and_never_read_back(cold: Fetched) -> None:
    written = cold.notes.opened("write", cold.home / "cache")
    assert written.total() == PACKAGES + RUN_FILES
    read = cold.notes.opened("read", cold.home / "cache")
    assert not [path for path in read if path.startswith("sha512/")]
    assert read.total() <= 1  # the directory of the partial downloads, when it is removed
    assert len([*(cold.home / "cache/sha512").iterdir()]) == PACKAGES


def test_no_file_of_the_project_is_opened_more_than_twice(cold: Fetched) -> None:
    opened = cold.notes.opened("read", cold.home) + cold.notes.opened("write", cold.home)
    ours = {path: times for path, times in opened.items() if not path.startswith("cache/")}
    # The lock and package.json are read once for what is fetched, once for the tree they describe.
    assert max(ours.values()) <= 2, ours
    # Read: lock, package.json, two .npmrc, generated file. Written: its directory, and it.
    assert len(ours) <= 7, ours
    assert len(cold.notes.opened_elsewhere(cold.home)) <= 8


def test_tasks_are_of_connections_and_not_of_tarballs(cold: Fetched) -> None:
    """One for each connection, and eight for each event loop and its first connection."""
    tasks = cold.notes.of("task")
    assert len(tasks) <= CONNECTIONS + 8 * cold.notes.processes("task")
    assert cold.notes.processes("task") <= MOST_PROCESSES


def test_small_tarballs_are_not_handed_to_threads_one_by_one(cold: Fetched) -> None:
    """To hand one over costs as much as to hash and write it."""
    assert len(cold.notes.of("thread")) <= PACKAGES // 4


def test_a_warm_check_opens_no_connection_and_no_tarball(cold: Fetched) -> None:
    asked, connections = len(cold.registry.requests), cold.registry.connections
    warm = cold.again("--check")
    assert (len(cold.registry.requests), cold.registry.connections) == (asked, connections)
    assert warm.of("connect") == []
    assert warm.of("task") == []
    assert warm.of("thread") == []
    assert warm.of("process") == []
    assert "aiohttp" not in warm.of("import")  # it takes longer to load than all the rest
    for kind in ("read", "write"):
        assert warm.opened(kind, cold.home / "cache").total() == 0
    opened = warm.opened("read", cold.home)
    assert max(opened.values()) <= 2, opened
    assert len(opened) <= 5
    assert warm.opened("write", cold.home).total() == 0


def test_large_tarballs_are_handed_to_threads_in_batches(home: Path, registry: Registry) -> None:
    sizes = published(registry, {f"large-{number}": 2_000_000 for number in range(3)}, home)
    notes = generate(home, registry)
    assert len(registry.requests) == len(sizes)
    assert registry.sent == sum(sizes.values())
    assert notes.opened("write", home / "cache").total() == len(sizes) + RUN_FILES
    assert len(notes.of("thread")) <= sum(size // BATCH + 1 for size in sizes.values())
