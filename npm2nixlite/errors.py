"""The errors a caller can tell apart, each with the exit status it leads to.

They are raised deep and shown once, by the command line, as: what is wrong, where, what to do.
Standard library only: the modules that run inside the Nix sandbox raise them too.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BuildError",
    "FetchError",
    "InputError",
    "InternalError",
    "Npm2nixliteError",
    "UsageError",
    "internal_error",
    "too_many_files",
]

_MOST_NOTES = 5
"""Of one process; many jobs that fail in one way need no more."""
_notes: dict[tuple[object, ...], str] = {}


class Npm2nixliteError(Exception):
    """What is wrong, where it is (file, install path, address) and what to do about it.

    Args:
        what: One sentence without a full stop.
        where: File, install path or address, the outermost first; empty parts are left out.
        hint: What the reader can do; empty where there is nothing to say.
        details: The single faults of an error that is several, for programs.
    """

    exit_status = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | tuple[str, ...] = (),
        hint: str = "",
        details: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = tuple(filter(None, (where,) if isinstance(where, str) else where))
        self.hint = hint
        self.details = tuple(details)

    def within(self, outer: str) -> Self:
        """The same error, found inside ``outer`` (the lock an entry is in, say)."""
        where = (outer, *self.where)
        return type(self)(self.what, where=where, hint=self.hint, details=self.details)

    def __str__(self) -> str:
        place = ": ".join(self.where)
        text = f"{place}: {self.what}" if place else self.what
        return f"{text}\n  {self.hint}" if self.hint else text


class UsageError(Npm2nixliteError):
    """The command line asks for something that makes no sense."""

    exit_status = 2


class InputError(Npm2nixliteError):
    """A lock, manifest or configuration file cannot be used."""

    exit_status = 2


class FetchError(Npm2nixliteError):
    """A package could not be fetched, or is not what the lock says it is."""

    exit_status = 3


class BuildError(Npm2nixliteError):
    """A build or an upload failed."""

    exit_status = 4


class InternalError(Npm2nixliteError):
    """What should not happen: a fault of this program."""

    exit_status = 70


def internal_error(error: BaseException) -> InternalError:
    """What to say of an exception that nobody foresaw; its traceback goes to a file.

    The file is its owner's alone, in the directory for temporary files.
    """
    kind = type(error).__name__
    words = " ".join(str(error).split())[:200]
    note = _note(error)
    where = f"the details are in {note}" if note else "--debug shows the details"
    return InternalError(
        f"internal error: {kind}: {words}" if words else f"internal error: {kind}",
        hint=f"{where}; please report it, with what led to it",
    )


def too_many_files(error: BaseException) -> bool:
    """Whether this process, or the machine, has as many files open as it may."""
    while error.__cause__ is not None and not isinstance(error, OSError):
        error = error.__cause__
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}


def _note(error: BaseException) -> str:
    """Write the traceback down, once for each place it comes from; empty where it cannot be."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = (type(error), last and last.tb_frame.f_code, last and last.tb_lineno)
    if place in _notes or len(_notes) >= _MOST_NOTES:
        return _notes.get(place, "")
    import tempfile  # these take their time to load, and are seldom needed
    import traceback

    try:
        descriptor, path = tempfile.mkstemp(prefix="npm2nixlite-error-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        path = ""
    _notes[place] = path
    return path
