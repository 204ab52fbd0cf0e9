"""verify on the fixtures, whose packages are real ones: no difference from the installed npm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT, run_program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.npm, pytest.mark.registry]

FIXTURES = sorted(path.parent for path in (ROOT / "fixtures").glob("*/package.json"))


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One download cache for all workers: it stands several runs at once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / "verify-cache"


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_both_trees_are_npms(fixture: Path, cache: Path, home: Path, public_registry: str) -> None:
    run = run_program(
        "verify", fixture, "--json", "--cache-dir", cache, "--registry", public_registry,
        home=home, npm_config_cache=str(home / "npm"),
    )  # fmt: skip
    assert run.status in (0, 1), run.stderr
    whole, production = run.json["trees"]
    assert (whole["omit"], production["omit"]) == ([], ["dev"])
    assert [tree["differences"] for tree in (whole, production)] == [[], []]
    assert run.status == 0
    assert whole["paths"] > 2
