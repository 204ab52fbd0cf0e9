"""Links that lead nowhere: a result that has one does not run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_links"]


def check_links(out: Path) -> None:
    """See that every link below a directory leads to something.

    Raises:
        BuildError: One does not; the error has all of them.
    """
    dangling = [Path(link) for link in sorted(_dangling(str(out)))]
    if not dangling:
        return
    listed = [f"{link.relative_to(out)} leads to {link.readlink()}" for link in dangling]
    shown = "\n  ".join(listed[:10]) + (f"\n  and {len(listed) - 10} more" if listed[10:] else "")
    raise BuildError(
        f"{'a link leads' if len(listed) == 1 else f'{len(listed)} links lead'} to nothing: "
        f"\n  {shown}",
        hint="the files of a local dependency come from the project, src = ./.;\n"
        "  of one outside of it from localDependencies",
    )


def _dangling(folder: str) -> Iterator[str]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_symlink():
                if not Path(entry.path).exists():
                    yield entry.path
            elif entry.is_dir():
                yield from _dangling(entry.path)
