"""Places to push to, and files to push."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.binarycache.places import LARGE, SMALL, fixed_file, place
from tests.support.nix import nix_elsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from npm2nixlite.store.fixed_file import FixedFile

__all__ = ["nix_elsewhere", "place"]


@pytest.fixture
def files(tmp_path: Path) -> list[FixedFile]:
    """Small, large and empty; two of one content; two of one name."""
    directory = tmp_path / "downloads"
    directory.mkdir()
    noise = random.Random(1)
    return [
        fixed_file(directory, "small-1.0.0.tgz", noise.randbytes(SMALL)),
        fixed_file(directory, "large-1.0.0.tgz", noise.randbytes(LARGE)),
        fixed_file(directory, "empty-1.0.0.tgz", b""),
        fixed_file(directory, "empty-again-1.0.0.tgz", b""),
        fixed_file(directory, "core-7.0.0.tgz", noise.randbytes(100)),
        fixed_file(directory, "core-7.0.0.tgz", noise.randbytes(101)),
    ]
