"""Places to push to, and files to push."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.binarycache.places import LARGE, SMALL, Place, fixed_file, nginx, s3
from tests.nix_store import nix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from npm2nixlite.store.fixed_file import FixedFile

__all__ = ["nix"]


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


@pytest.fixture(params=["file", "nginx", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Each kind of place in turn, empty."""
    match request.param:
        case "file":
            yield Place(f"file://{tmp_path}/cache", f"file://{tmp_path}/cache")
        case "nginx":
            with nginx(tmp_path / "server") as served:
                yield served
        case "s3":
            with s3() as served:
                for name, value in served.environment.items():
                    monkeypatch.setenv(name, value)
                yield served
