from pathlib import Path

import pytest

from benchmarks import scratch


@pytest.mark.parametrize(("kind", "left"), [("tmpfs", 0), ("ext2/ext3", 1)])
def test_clearing_removes_in_memory_and_moves_on_a_disk(
    kind: str, left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "file_system", lambda _: kind)
    place = tmp_path / "place"
    place.mkdir()
    (place / "file").touch()
    prepare = scratch.clearing(place, tmp_path / "never there", make=True)
    prepare()
    assert place.is_dir()
    assert not list(place.iterdir())
    assert len(list(tmp_path.glob(".aside-*/was/file"))) == left


def test_clearing_takes_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "file_system", lambda _: "tmpfs")
    (tmp_path / "file").touch()
    scratch.clearing(tmp_path / "file")()
    assert not (tmp_path / "file").exists()


def test_file_system_of_a_directory_has_a_name(tmp_path: Path) -> None:
    assert scratch.file_system(tmp_path)
