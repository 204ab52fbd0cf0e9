import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.subsets import closure, cut

PACKAGES: dict[str, Any] = {
    "": {"dependencies": {"a": "1", "c": "1"}},
    "node_modules/a": {"dependencies": {"b": "1"}},
    "node_modules/a/node_modules/b": {"dependencies": {"d": "1"}},
    "node_modules/b": {},
    "node_modules/c": {"dependencies": {"b": "2"}, "optionalDependencies": {"gone": "1"}},
    "node_modules/d": {"dependencies": {"a": "1"}},
}


def test_closure_has_what_node_would_find_from_there() -> None:
    assert closure(PACKAGES, ["a"]) == {
        "node_modules/a",
        "node_modules/a/node_modules/b",
        "node_modules/d",
    }
    assert closure(PACKAGES, ["c"]) == {"node_modules/c", "node_modules/b"}


def project(directory: Path) -> Path:
    (directory / "package.json").write_text(json.dumps(PACKAGES[""]))
    lock = {"lockfileVersion": 3, "packages": PACKAGES}
    (directory / "package-lock.json").write_text(json.dumps(lock))
    return directory


def test_cut_keeps_what_fits_and_all_that_it_needs(tmp_path: Path) -> None:
    sizes = dict.fromkeys(PACKAGES, 10)
    cut(project(tmp_path), sizes, 25, tmp_path / "small")
    lock = json.loads((tmp_path / "small/package-lock.json").read_text())
    assert set(lock["packages"]) == {"", "node_modules/c", "node_modules/b"}
    assert lock["packages"][""]["dependencies"] == {"c": "1"}
    manifest = json.loads((tmp_path / "small/package.json").read_text())
    assert manifest["dependencies"] == {"c": "1"}


def test_nothing_that_fits_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fits"):
        cut(project(tmp_path), dict.fromkeys(PACKAGES, 10), 5, tmp_path / "small")
