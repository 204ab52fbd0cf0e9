"""Unpacking many tarballs at once, one process for each core.

Processes are forked, not started afresh, and take the next tarball from a pipe when they are done
with one, the largest first: so all end at nearly the same time, whatever the tarballs' sizes.
"""

from __future__ import annotations

import gc
import json
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from npm2nixlite.assemble.header import BadTarballError
from npm2nixlite.assemble.unpack import unpack
from npm2nixlite.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UnpackJob", "cores", "unpack_all"]

_TICKET = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class UnpackJob:
    """One tarball to unpack.

    Attributes:
        tarball: Its file.
        directory: Where to.
        package: What to call it in messages: ``node_modules/a (a@1.0.0)``.
        nested: See `unpack`.
    """

    tarball: str
    directory: str
    package: str
    nested: frozenset[str] = frozenset()


def cores() -> int:
    """How many processes may run at once: ``NIX_BUILD_CORES``, or what the machine gives us."""
    wanted = os.environ.get("NIX_BUILD_CORES", "")
    if wanted.isdigit() and int(wanted):
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unpack_all(jobs: Sequence[UnpackJob], processes: int) -> None:
    """Unpack all; no two jobs may write the same file.

    Raises:
        BuildError: A tarball is damaged or unsafe, or a process died; names the package.
    """
    jobs = sorted(jobs, key=_size, reverse=True)
    processes = max(1, min(processes, len(jobs)))
    tickets, ticket_office = os.pipe()
    reports, reporter = os.pipe()
    children = []
    gc.freeze()
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            os.close(ticket_office)
            os.close(reports)
            _work(jobs, tickets, reporter)
        children.append(child)
    os.close(tickets)
    os.close(reporter)
    with suppress(BrokenPipeError), open(ticket_office, "wb") as office:
        office.write(b"".join(map(_TICKET.pack, range(len(jobs)))))
    with open(reports, "rb") as lines:
        problems = sorted(json.loads(line) for line in lines)
    failed = [os.waitpid(child, 0)[1] for child in children]
    if problems:
        _, where, what = problems[0]
        raise BuildError(
            what, where=where, hint="the package is not what a registry should publish"
        )
    if any(failed):
        raise BuildError(f"an unpacking process died (wait status {max(failed)})")


def _size(job: UnpackJob) -> int:
    try:
        return os.path.getsize(job.tarball)
    except OSError:
        return 0


def _work(jobs: Sequence[UnpackJob], tickets: int, reporter: int) -> None:
    """A child's life: it never returns, and leaves the parent's buffers and handlers alone."""
    gc.disable()
    status = 1
    try:
        # pipes hand out whole tickets: each is written, and asked for, in one piece
        while ticket := os.read(tickets, _TICKET.size):
            index: int = _TICKET.unpack(ticket)[0]
            job = jobs[index]
            try:
                unpack(job.tarball, job.directory, job.nested)
            except (BadTarballError, OSError) as error:
                name = os.path.basename(job.tarball)
                problem = [job.package, job.package, f"{name} is refused: {error}"]
                os.write(reporter, json.dumps(problem).encode() + b"\n")
                break
        else:
            status = 0
    finally:
        os._exit(status)
