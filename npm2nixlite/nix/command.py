"""Running Nix's commands, with their output as it comes."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError
from npm2nixlite.messages import anonymous

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["batches", "run"]

_MOST_ARGUMENTS = 128 * 1024  # bytes; what xargs deems safe everywhere
_LONGEST_LINE = 1 << 24  # bytes; JSON comes on one


def batches(arguments: Iterable[str]) -> Iterator[list[str]]:
    """As many arguments at once as one command line takes."""
    batch: list[str] = []
    size = 0
    for argument in arguments:
        length = len(os.fsencode(argument)) + 1
        if batch and size + length > _MOST_ARGUMENTS:
            yield batch
            batch, size = [], 0
        batch.append(argument)
        size += length
    if batch:
        yield batch


async def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda _: None,
    on_complaint: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Run a command to its end.

    Args:
        command: The program, found on PATH, and its arguments.
        cwd: Where to run it.
        environment: Added to the process's own.
        on_line: Given each line of stdout as it comes.
        on_complaint: Given each line of stderr as it comes.

    Returns:
        The lines of stdout.

    Raises:
        BuildError: There is no such program, or it fails; the message is its last complaint.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=None if environment is None else {**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
        )
    except FileNotFoundError:
        raise BuildError(
            f"there is no {command[0]} to be found",
            hint="install Nix; without it, push to a binary cache instead",
        ) from None
    try:
        lines, complaints = await asyncio.gather(
            _lines(process.stdout, on_line), _lines(process.stderr, on_complaint)
        )
        status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        said = [line for line in complaints if line.strip()]
        raise BuildError(
            anonymous(said[-1].strip().removeprefix("error: "))
            if said
            else f"ended with status {status}",
            where=" ".join(command[:2]),
            hint="what was done before stays; run it again once this is put right",
        )
    return lines


async def _lines(stream: asyncio.StreamReader | None, on_line: Callable[[str], None]) -> list[str]:
    lines: list[str] = []
    if stream is not None:
        async for raw in stream:
            line = raw.decode(errors="replace").rstrip("\n")
            lines.append(line)
            on_line(line)
    return lines
