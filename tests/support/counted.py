"""Run a module of the program, and note what it does.

    python -m tests.support.counted NOTES MODULE [ARGUMENT…]

Every file that it or a process forked from it opens, every connection, task and hand-over to a
thread, and every module it loads becomes a line of NOTES at once, so that a process may end in any
way it likes. What is not Python's own doing (a library's C code that opens a file) is not seen.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def main(notes: str, module: str, *arguments: str) -> None:
    """Install what notes, and run the module as a command."""
    descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(kind: str, what: str) -> None:
        os.write(descriptor, f"{kind}\t{os.getpid()}\t{what!r}\n".encode())

    _count_tasks(note)
    sys.addaudithook(_hook(note, _directory_of_open()))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _directory_of_open() -> Callable[[], str]:
    """Gives what the name that is being opened is relative to, which the event does not tell."""
    given = os.open
    directories: list[str] = []

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is None:
            return given(path, flags, mode)
        directories.append(str(Path(f"/proc/self/fd/{dir_fd}").readlink()))
        try:
            return given(path, flags, mode, dir_fd=dir_fd)
        finally:
            directories.pop()

    os.open = open_
    return lambda: directories[-1] if directories else ""


def _hook(
    note: Callable[[str, str], None], directory: Callable[[], str]
) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int):  # a descriptor is open already
                whole = os.path.join(directory(), os.fsdecode(path))  # noqa: PTH118
                note(_kind(flags), os.path.abspath(whole))  # noqa: PTH100 (does not resolve)
        elif event == "socket.connect":
            note("connect", str(arguments[1]))
        elif event == "import":
            note("import", str(arguments[0]))
        elif event == "subprocess.Popen":
            note("process", str(arguments[1]))

    return hook


def _kind(flags: int) -> str:
    if flags & os.O_DIRECTORY:
        return "directory"
    return "write" if flags & (os.O_WRONLY | os.O_RDWR) else "read"


def _count_tasks(note: Callable[[str, str], None]) -> None:
    """Tasks are made by event loops, and by libraries that go past them: by the class, both."""

    class Task(asyncio.Task):  # type: ignore[type-arg]
        def __init__(self, coro: Coroutine[Any, Any, Any], **options: Any) -> None:
            note("task", getattr(coro, "__qualname__", str(coro)))
            super().__init__(coro, **options)

    for place in (asyncio, asyncio.tasks):
        place.Task = Task  # type: ignore[attr-defined]
    loop = asyncio.BaseEventLoop
    given = loop.run_in_executor

    def run_in_executor(self: Any, executor: Any, work: Any, *arguments: Any) -> Any:
        note("thread", getattr(work, "__qualname__", str(work)))
        return given(self, executor, work, *arguments)

    loop.run_in_executor = run_in_executor  # type: ignore[assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])
