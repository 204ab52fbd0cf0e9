"""Serve a lock's tarballs for as long as one likes: for profiling, and for trying.

    python -m benchmarks.server [PROJECT]

They are fetched once from the real registry, into the benchmarks' cache, and served by an nginx on
loopback, with what it takes of a registry's metadata. Its address is printed; Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.nginx import start
from benchmarks.workload import ROOT, stock_up

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ROOT / "fixtures/explorer-frontend"
    parser.add_argument("project", nargs="?", type=Path, default=default)
    project = parser.parse_args(arguments).project
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server goes, too
    with tempfile.TemporaryDirectory(prefix="npm2nixlite-") as directory:
        room = Path(directory)
        for name in ("metadata", "nginx"):
            (room / name).mkdir()
        stock = stock_up(project, room / "tarballs")
        with start(stock.tarballs, room / "metadata", room / "nginx") as server:
            stock.write_metadata(server.base, room / "metadata")
            print(f"{len(stock.paths):,} tarballs at {server.base}", flush=True)
            try:
                signal.pause()
            except KeyboardInterrupt:
                return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
