"""How a run is to go: the lock, how often, and where."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fetchers import Course
from benchmarks.nginx import Certificate, Server, start
from benchmarks.workload import Stock, stock_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.tools import Tools

__all__ = ["Setting"]


@dataclass(frozen=True)
class Setting:
    """How a run is to go.

    Attributes:
        project: The directory with the lock.
        scratch: Where everybody writes.
        tools: The contestants' programs.
        runs: For each contestant, at most.
        budget: Seconds for the runs of one contestant in one table.
        limit: Seconds after which a run is ended.
        quick: Leave out whatever takes more than half a minute, and use small sizes.
    """

    project: Path
    scratch: Path
    tools: Tools
    runs: int
    budget: float
    limit: float
    quick: bool

    @contextmanager
    def room(self) -> Iterator[Path]:
        """A directory of a suite's own, removed after it."""
        room = Path(tempfile.mkdtemp(prefix="npm2nixlite-", dir=self.scratch))
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def stock(self, room: Path) -> Stock:
        """The lock's tarballs, laid out."""
        return stock_up(self.project, room / "tarballs")

    @contextmanager
    def course(
        self,
        stock: Stock,
        room: Path,
        *,
        certificate: Certificate | None = None,
        host: str = "127.0.0.1",
        server_within: tuple[str, ...] = (),
        within: tuple[str, ...] = (),
    ) -> Iterator[tuple[Course, Server]]:
        """A server of a stock, and what contestants need to use it."""
        directory = Path(tempfile.mkdtemp(prefix="course-", dir=room))
        metadata, state = directory / "metadata", directory / "nginx"
        state.mkdir()
        metadata.mkdir()
        with start(
            stock.tarballs,
            metadata,
            state,
            certificate=certificate,
            host=host,
            within=server_within,
        ) as server:
            stock.write_metadata(server.base, metadata)
            authority = None if certificate is None else certificate.file
            yield (
                Course(stock, server.base, directory, self.tools, authority, within),
                server,
            )
