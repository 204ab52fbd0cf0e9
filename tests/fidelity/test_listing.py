from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fidelity.listing import HIDDEN, differences, list_modules, load, save

if TYPE_CHECKING:
    from pathlib import Path


def project(directory: Path) -> Path:
    modules = directory / "packages/a/node_modules"
    modules.mkdir(parents=True)
    (modules / "link").symlink_to("../b")
    (directory / "packages/a/source.js").write_text("")
    (directory / "node_modules/b").mkdir(parents=True)
    (directory / "node_modules/b/run").write_text("one")
    (directory / "node_modules/b/run").chmod(0o755)
    (directory / "node_modules/b/text\n").write_text("one")
    return directory


def found(
    ours: Any, theirs: Any, mine: str | None = None, npms: str | None = None, version: int = 3
) -> list[str]:
    return [*differences(ours, theirs, mine, npms, version)]


def test_every_node_modules_is_listed_and_nothing_else(tmp_path: Path) -> None:
    listing = list_modules(project(tmp_path / "p"))
    run, text = (listing[f"node_modules/b/{name}"] for name in ("run", "text\n"))
    assert {path: what[:4] for path, what in listing.items()} == {
        "node_modules": "d",
        "node_modules/b": "d",
        "node_modules/b/run": "f:x:",
        "node_modules/b/text\n": "f:-:",
        "packages/a/node_modules": "d",
        "packages/a/node_modules/link": "l:..",
    }
    assert run[4:] == text[4:]


def test_a_listing_is_kept_as_it_is(tmp_path: Path) -> None:
    listing = list_modules(project(tmp_path / "p"))
    save(listing, tmp_path / "kept.gz")
    assert load(tmp_path / "kept.gz") == listing


def test_bytes_bits_links_and_missing_paths_differ() -> None:
    theirs = {"a": "f:-:00", "b": "f:-:00", "c": "l:x", "d": "d", "same": "d"}
    ours = {"a": "f:-:11", "b": "f:x:00", "c": "l:y", "e": "d", "same": "d"}
    lines = found(ours, theirs)
    assert [line.partition(":")[0] for line in lines] == ["a", "b", "c", "d", "e"]
    assert lines[3:] == ["d: missing", "e: only in ours"]


def notes(**entry: Any) -> str:
    return json.dumps({"name": "p", "packages": {"node_modules/a": entry}})


def test_of_npms_notes_the_entries_and_fields_are_named() -> None:
    trees = {HIDDEN: "f:-:00"}, {HIDDEN: "f:-:11"}
    lines = found(*trees, notes(dev=True), notes(version="1"))
    assert lines == [
        f"{HIDDEN}: node_modules/a: dev: true, npm has null",
        f'{HIDDEN}: node_modules/a: version: null, npm has "1"',
    ]
    assert found(*trees, notes(), json.dumps({"name": "p", "packages": {}})) == [
        f"{HIDDEN}: node_modules/a: only in ours"
    ]
    assert "indented" in found(*trees, notes(), notes() + "\n")[0]


def test_what_a_version_1_lock_cannot_know_is_not_compared() -> None:
    trees = {HIDDEN: "f:-:00"}, {HIDDEN: "f:-:11"}
    both = notes(version="1"), notes(version="1", license="MIT", deprecated="old")
    assert not found(*trees, *both, version=1)
    assert len(found(*trees, *both, version=3)) == 2
