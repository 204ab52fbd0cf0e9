"""Patches, for single packages and as patch-package keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.project.patches import Patch, apply_patches, install_path_of

if TYPE_CHECKING:
    from pathlib import Path

CHANGE = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-old\n+new\n"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ms+2.1.3.patch", "node_modules/ms"),
        ("@s+a+1.0.0.patch", "node_modules/@s/a"),
        ("a++b+1.0.0-rc.1.patch", "node_modules/a/node_modules/b"),
        ("@s+a++@t+b+1.0.0.patch", "node_modules/@s/a/node_modules/@t/b"),
        ("ms+2.1.3+001+first.patch", "node_modules/ms"),
        ("ms+2.1.3.dev.patch", "node_modules/ms"),
        ("left.patch", None),
        ("README.md", None),
    ],
)
def test_a_files_name_says_which_package_it_is_for(name: str, path: str | None) -> None:
    assert install_path_of(name) == path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path in ("node_modules/a", "node_modules/a/node_modules/b", "w/node_modules/a"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "x.js").write_text("old\n")
    return tmp_path


def patch(tree: Path, name: str, file: str, path: str | None) -> Patch:
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text(CHANGE.format(file))
    return Patch(tree / name, name, path)


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("x.js", "node_modules/a"),
        ("node_modules/a/x.js", "node_modules/a"),
        ("x.js", "w/node_modules/a"),
        ("node_modules/a/x.js", "w/node_modules/a"),
        ("w/node_modules/a/x.js", "w/node_modules/a"),
        ("node_modules/a/node_modules/b/x.js", "node_modules/a/node_modules/b"),
        ("node_modules/b/x.js", "node_modules/a/node_modules/b"),
    ],
)
def test_paths_count_from_the_package_or_from_a_project_above_it(
    tree: Path, file: str, path: str
) -> None:
    apply_patches([patch(tree, "p", file, path)], tree)
    changed = [str(one) for one in tree.rglob("x.js") if one.read_text() == "new\n"]
    assert changed == [f"{tree}/{path}/x.js"]


def test_a_directory_is_applied_as_a_whole_and_what_is_left_out_is_passed_over(tree: Path) -> None:
    patch(tree, "patches/a+1.0.0.patch", "node_modules/a/x.js", None)
    patch(tree, "patches/a++b+1.0.0.patch", "node_modules/a/node_modules/b/x.js", None)
    patch(tree, "patches/gone+1.0.0.patch", "node_modules/gone/x.js", None)
    apply_patches([Patch(tree / "patches", "patches", None)], tree)
    assert (tree / "node_modules/a/x.js").read_text() == "new\n"
    assert (tree / "node_modules/a/node_modules/b/x.js").read_text() == "new\n"
    assert (tree / "w/node_modules/a/x.js").read_text() == "old\n"


def test_new_and_deleted_files_are_made_and_removed(tree: Path) -> None:
    (tree / "p").write_text(
        "diff --git a/node_modules/a/new.js b/node_modules/a/new.js\nnew file mode 100755\n"
        "--- /dev/null\n+++ b/node_modules/a/new.js\n@@ -0,0 +1 @@\n+made\n"
        "diff --git a/node_modules/a/x.js b/node_modules/a/x.js\ndeleted file mode 100644\n"
        "--- a/node_modules/a/x.js\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n"
    )
    apply_patches([Patch(tree / "p", "a+1.0.0.patch", None)], tree)
    assert sorted(path.name for path in (tree / "node_modules/a").glob("*.js")) == ["new.js"]


def test_one_that_does_not_apply_is_an_error_that_names_it(tree: Path) -> None:
    wrong = patch(tree, "a+1.0.0.patch", "node_modules/a/x.js", None)
    (tree / "node_modules/a/x.js").write_text("another\n")
    with pytest.raises(BuildError, match=r"node_modules/a: a\+1.0.0.patch does not apply: "):
        apply_patches([wrong], tree)


def test_a_name_that_says_no_package_is_an_error(tree: Path) -> None:
    with pytest.raises(InputError, match="which package"):
        apply_patches([patch(tree, "fix.patch", "x.js", None)], tree)
