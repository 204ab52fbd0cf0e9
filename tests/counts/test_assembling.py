"""What assembling costs, in counts: see `tests.counts.test_fetching`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.archives import Member, package
from tests.support.notes import Notes, run_counted
from tests.support.projects import locked, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = 100
BINS = PACKAGES // 5
FILES = 4  # of each package


def assemble(home: Path, *, with_lock: bool) -> Notes:
    """Assemble packages of `FILES` files each, of which every fifth has a command."""
    manifest: dict[str, Any] = {"os": "linux", "cpu": "x64", "libc": "glibc", "packages": {}}
    entries: dict[str, Any] = {}
    for number in range(PACKAGES):
        name = f"package-{number}"
        fields: dict[str, Any] = {}
        if number < BINS:
            fields["bin"] = {f"command-{number}": "lib/cli.js"}
        data = package(
            name,
            Member("package/index.js", b"module.exports = 1;\n" * number),
            Member("package/lib/cli.js", b"#!/usr/bin/env node\n", mode=0o755),
            Member("package/README.md", name.encode()),
            **fields,
        )
        tarball = home / "tarballs" / f"{name}.tgz"
        tarball.parent.mkdir(exist_ok=True)
        tarball.write_bytes(data)
        entries[f"node_modules/{name}"] = locked(integrity=sri(data), **fields)
        manifest["packages"][f"node_modules/{name}"] = {
            "tarball": str(tarball),
            "version": "1.0.0",
        }
    names = [path.removeprefix("node_modules/") for path in entries]
    root = {"name": "project", "version": "1.0.0", "dependencies": dict.fromkeys(names, "1.0.0")}
    lock = write_lock(home / "project", {"": root, **entries})
    if with_lock:
        manifest["lock"] = str(lock)
    (home / "manifest.json").write_text(json.dumps(manifest))
    notes = run_counted(
        "npm2nixlite.assemble", home / "manifest.json", home / "out", home=home, NIX_BUILD_CORES="2"
    )
    assert len(os.listdir(home / "out/node_modules/.bin")) == BINS  # noqa: PTH208
    return notes


@pytest.mark.parametrize("with_lock", [True, False])
def test_each_file_is_opened_once_to_be_written(home: Path, with_lock: bool) -> None:
    notes = assemble(home, with_lock=with_lock)
    written = notes.opened("write", home / "out")
    found = [path for path in (home / "out").rglob("*") if path.is_file() and not path.is_symlink()]
    assert set(written) == {str(path.relative_to(home / "out")) for path in found}
    assert set(written.values()) == {1}
    assert written.total() == PACKAGES * FILES + with_lock  # with a lock: .package-lock.json


@pytest.mark.parametrize("with_lock", [True, False])
def test_each_tarball_is_opened_once(home: Path, with_lock: bool) -> None:
    notes = assemble(home, with_lock=with_lock)
    assert set(notes.opened("read", home / "tarballs").values()) == {1}
    assert notes.opened("read", home / "tarballs").total() == PACKAGES


def test_with_a_lock_only_commands_are_read_back(home: Path) -> None:
    """Their first line, which npm rewrites where it ends as on Windows."""
    notes = assemble(home, with_lock=True)
    assert set(notes.opened("read", home / "out")) == {
        f"node_modules/package-{number}/lib/cli.js" for number in range(BINS)
    }
    assert notes.opened("read", home / "out").total() == BINS


def test_without_a_lock_manifests_are_read_back_once(home: Path) -> None:
    """They alone say then which commands there are."""
    read = assemble(home, with_lock=False).opened("read", home / "out")
    assert set(read.values()) == {1}
    assert sum(path.endswith("/package.json") for path in read) == PACKAGES
    assert read.total() == PACKAGES + BINS


def test_nothing_else_is_opened_for_each_package(home: Path) -> None:
    """The manifest, the lock (for its content, and for how it is indented), a scratch directory."""
    notes = assemble(home, with_lock=True)
    read, written = notes.opened("read", home), notes.opened("write", home)
    inside = ("out/", "tarballs/")
    assert sum(times for path, times in read.items() if not path.startswith(inside)) == 3
    assert not [path for path in written if not path.startswith("out/")]
    assert len(notes.opened_elsewhere(home)) <= 3
