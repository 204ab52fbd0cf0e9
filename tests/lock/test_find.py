from pathlib import Path

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.lock.find import find_lock


def test_a_shrinkwrap_wins_over_a_package_lock(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{}")
    assert find_lock(tmp_path) == tmp_path / "package-lock.json"
    (tmp_path / "npm-shrinkwrap.json").write_text("{}")
    assert find_lock(tmp_path) == tmp_path / "npm-shrinkwrap.json"


def test_an_empty_shrinkwrap_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "npm-shrinkwrap.json").write_text("")
    assert find_lock(tmp_path) == tmp_path / "package-lock.json"


def test_a_lock_of_any_name_is_one(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    assert find_lock(tmp_path / "other.json") == tmp_path / "other.json"


def refused(project: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        find_lock(project)
    return caught.value


@pytest.mark.parametrize(
    ("name", "manager"),
    [("yarn.lock", "yarn"), ("pnpm-lock.yaml", "pnpm"), ("bun.lock", "bun"), ("bun.lockb", "bun")],
)
def test_locks_of_others_get_a_signpost(tmp_path: Path, name: str, manager: str) -> None:
    (tmp_path / name).write_text("x")
    beside, named = refused(tmp_path), refused(tmp_path / name)
    assert beside.what == f"there is no npm lock in this directory; it has {manager}'s {name}"
    assert named.what == f"this is a lock of {manager}; only npm's are read"
    for error in (beside, named):
        assert "npm install --package-lock-only" in error.hint


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("package.json", "package.json is not a lock"),
        ("node-packages.nix", "this is a Nix file, not a lock"),
    ],
)
def test_files_that_are_taken_for_a_lock_get_a_signpost(
    tmp_path: Path, name: str, what: str
) -> None:
    (tmp_path / name).write_text("{}")
    assert refused(tmp_path / name).what == what


def test_an_empty_lock_is_told_from_none(tmp_path: Path) -> None:
    assert refused(tmp_path).what == "there is no lock in this directory"
    (tmp_path / "package-lock.json").write_text("")
    error = refused(tmp_path)
    assert error.what == "the lock is empty"
    assert error.where == (str(tmp_path / "package-lock.json"),)


def test_a_project_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone").what == "no such project"
