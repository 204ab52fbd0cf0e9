"""``npm2nixlite verify``: what it prints, and its exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from npm2nixlite.cli import main
from npm2nixlite.verify.compare import Difference, differences
from npm2nixlite.verify.npm import NpmVersions
from npm2nixlite.verify.verify import Verification

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

VERSIONS = NpmVersions("11.0.0", "20.0.0")


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *found: Difference
) -> tuple[int, str]:
    result = Verification(VERSIONS, found, 9)
    monkeypatch.setattr("npm2nixlite.verify.verify.verify", lambda *_arguments: result)
    status = main(["verify", "project", "--differences", "1"])
    return status, capsys.readouterr().out


def test_equal_trees_are_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed = run(monkeypatch, capsys)
    assert status == 0
    assert "no difference" in printed
    assert "npm 11.0.0" in printed


def test_differences_are_1_and_the_first_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Difference("a/b", "mode", "0644", "0755"), Difference("c", "missing")
    status, printed = run(monkeypatch, capsys, *found)
    assert status == 1
    assert "a/b: mode: 0644, npm has 0755" in printed
    assert "c: missing" not in printed
    assert "1 more" in printed
    assert "2 differences" in printed


def test_one_difference_is_one_and_a_negative_number_of_them_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = run(monkeypatch, capsys, Difference("c", "missing"))
    assert "1 difference," in printed
    assert main(["verify", "project", "--differences", "-1"]) == 2


def test_both_trees_are_compared_and_it_says_where_there_is_no_nix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = run(monkeypatch, capsys)
    assert "all of it" in printed
    assert "without dev" in printed
    assert "only the assembler was checked" in printed


def test_notes_of_npm_are_compared_by_entry_and_field(tmp_path: Path) -> None:
    for name, version, more in (("ours", "1.0.0", {}), ("npm", "1.0.1", {"b": {"dev": True}})):
        notes = {"packages": {"a": {"version": version, "dev": True}, **more}}
        (tmp_path / name).mkdir()
        (tmp_path / name / ".package-lock.json").write_text(json.dumps(notes))
    found = [str(one) for one in differences(tmp_path / "ours", tmp_path / "npm")]
    assert found == [
        '.package-lock.json, packages, a, version: value: "1.0.0", npm has "1.0.1"',
        ".package-lock.json, packages, b: missing",
    ]


def test_differences_of_every_aspect_are_seen(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for tree in (ours, theirs):
        (tree / "d").mkdir(parents=True)
        for name in ("same", "bytes", "size", "mode"):
            (tree / "d" / name).write_text(name)
        (tree / "link").symlink_to("d")
    (ours / "d/bytes").write_text("bytez")
    (ours / "d/size").write_text("longer")
    (ours / "d/mode").chmod(0o755)
    (ours / "link").unlink()
    (ours / "link").symlink_to("elsewhere")
    (ours / "kind").mkdir()
    (theirs / "kind").touch()
    (ours / "more").mkdir()
    (theirs / "less").touch()
    found = {one.path: one.aspect for one in differences(ours, theirs)}
    assert found == {
        "d/bytes": "bytes",
        "d/size": "bytes",
        "d/mode": "mode",
        "link": "link",
        "kind": "kind",
        "more": "only in ours",
        "less": "missing",
    }
