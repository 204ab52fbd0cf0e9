from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fidelity.corpus import find_projects

if TYPE_CHECKING:
    from pathlib import Path


def add(directory: Path, lock: str) -> Path:
    directory.mkdir(parents=True)
    (directory / "package-lock.json").write_text(lock)
    return directory


def test_projects_are_found_the_smallest_lock_first(tmp_path: Path) -> None:
    add(tmp_path / "large", "{}    ")
    add(tmp_path / "small", "{}")
    add(tmp_path / "beside/app", "{} ")
    (tmp_path / "beside/.project").write_text("app\n")
    (tmp_path / ".state").mkdir()
    (tmp_path / "README").write_text("")
    (tmp_path / "without").mkdir()
    found = [*find_projects(tmp_path)]
    assert [project.name for project in found] == ["small", "beside", "large"]
    assert found[1].lock == tmp_path / "beside/app/package-lock.json"


def test_a_copy_has_the_same_digest_and_a_changed_one_another(tmp_path: Path) -> None:
    add(tmp_path / "corpus/app", "{}")
    (project,) = find_projects(tmp_path / "corpus")
    copy = project.copy(tmp_path / "copy")
    assert copy.digest() == project.digest()
    (copy.directory / "package.json").write_text("{}")
    assert copy.digest() != project.digest()
