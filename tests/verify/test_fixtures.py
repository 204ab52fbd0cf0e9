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


@pytest.mark.parametrize("omit", [(), ("--omit", "dev")], ids=["all", "production"])
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_the_tree_is_npms(
    fixture: Path, omit: tuple[str, ...], cache: Path, home: Path, public_registry: str
) -> None:
    run = run_program(
        "verify", fixture, *omit, "--json", "--cache-dir", cache, "--registry", public_registry,
        home=home, npm_config_cache=str(home / "npm"),
    )  # fmt: skip
    assert run.status in (0, 1), run.stderr
    assert run.json["differences"] == []
    assert run.status == 0
    assert run.json["paths"] > 2
