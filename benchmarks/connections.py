"""How many connections are enough: fetch from a local server that takes its time to answer.

    python -m benchmarks.connections [PROJECT] [--delay MILLISECONDS] [--runs N]

Each answer waits as a distant registry's would. The figures are what the default of
`--connections` was chosen by.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from benchmarks.workload import ROOT, lay_out
from npm2nixlite.cache import Cache
from npm2nixlite.fetch.job import FetchOptions
from npm2nixlite.generate import GenerateOptions, generate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

__all__ = ["main"]

_COUNTS = (8, 16, 32, 64, 128)


def _serve(root: Path, delay: float, sending: Connection) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(delay)
        return web.FileResponse(root / request.path.lstrip("/"))

    async def run() -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        sending.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "project", nargs="?", type=Path, default=ROOT / "fixtures/explorer-frontend"
    )
    parser.add_argument("--delay", type=float, default=20.0, metavar="MILLISECONDS")
    parser.add_argument("--runs", type=int, default=3)
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="npm2nixlite-") as directory:
        scratch = Path(directory)
        lay_out(parsed.project, scratch / "served")
        receiving, sending = multiprocessing.Pipe(duplex=False)
        server = multiprocessing.Process(
            target=_serve, args=(scratch / "served", parsed.delay / 1000, sending), daemon=True
        )
        server.start()
        base = f"http://127.0.0.1:{receiving.recv()}/"
        seconds: dict[int, list[float]] = {count: [] for count in _COUNTS}
        for number in range(parsed.runs):
            for count in _COUNTS:
                cache = Cache(scratch / f"cache-{number}-{count}")
                options = GenerateOptions(FetchOptions(connections=count), registry=base)
                _, resolution = generate([parsed.project], cache, options)
                seconds[count].append(resolution.summary.fetch_seconds)
        server.kill()
    print(f"| connections | median s at {parsed.delay:g} ms |\n|---|---|")
    for count, values in seconds.items():
        print(f"| {count} | {statistics.median(values):.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
