"""Where things are, and the two ways they change: whole, and one run at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import BuildError, UsageError
from npm2nixlite.files import home_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["RESULT_DIR", "STATE_DIR", "WORK_DIR", "ContainerPaths", "write_whole"]


def _state_directory() -> Path:
    """Where the program keeps what must last: the machine's for root, else the user's (XDG)."""
    if os.geteuid() == 0:
        return Path("/var/lib/npm2nixlite")
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else home_path("~/.local/state")) / "npm2nixlite"


STATE_DIR = _state_directory() / "hashes"
"""Where the hashes of what is current are."""

WORK_DIR = _state_directory() / "work"
RESULT_DIR = _state_directory() / "results"


@dataclass(frozen=True)
class ContainerPaths:
    """The files of one name.

    Attributes:
        name: Of the service.
        state_dir: Holds the current hash, in a file of that name.
        work_dir: For builds under way, the lock and the last build's log, below the name.
        result_dir: For results, below the name; on the work directory's file system.
    """

    name: str
    state_dir: Path = STATE_DIR
    work_dir: Path = WORK_DIR
    result_dir: Path = RESULT_DIR

    @property
    def hash_file(self) -> Path:
        """The current hash."""
        return self.state_dir / self.name

    @property
    def work(self) -> Path:
        """Builds under way, each in a directory with its container's name."""
        return self.work_dir / self.name

    @property
    def log(self) -> Path:
        """What the last build said."""
        return self.work / f"{self.name}-lastlog"

    @property
    def results(self) -> Path:
        """Results, each in a directory with its hash."""
        return self.result_dir / self.name

    @property
    def current(self) -> Path:
        """A symlink to the current result's files: where the units run from."""
        return self.results / "current"

    @property
    def status(self) -> Path:
        """What is known beside the hash."""
        return self.results / "status.json"

    def current_hash(self) -> str | None:
        """What the hash file says; None where there is none."""
        try:
            return self.hash_file.read_text("utf-8", "replace").strip() or None
        except FileNotFoundError:
            return None

    def make(self) -> None:
        """Make the directories."""
        for directory in (self.state_dir, self.work, self.results):
            directory.mkdir(mode=0o755, parents=True, exist_ok=True)

    def check(self) -> None:
        """See that a build can become a result by one rename; the directories are there.

        Raises:
            UsageError: Work and results are on different file systems.
        """
        if self.work.stat().st_dev != self.results.stat().st_dev:
            raise UsageError(
                "the work directory and the result directory are on different file systems",
                where=f"{self.work_dir}, {self.result_dir}",
                hint="name two directories of one file system with --work-dir and --result-dir",
            )

    @contextmanager
    def lock(self, *, wait: bool, tell: Callable[[str], None]) -> Iterator[None]:
        """Keep other runs of this name out; the kernel opens it again when this process dies.

        Args:
            wait: Whether to wait for another run.
            tell: Told of the other run, before waiting.

        Raises:
            BuildError: Another run is at it, and ``wait`` is false.
        """
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                what = f"another run for {self.name} is under way (process {holder or 'unknown'})"
                if not wait:
                    raise BuildError(
                        what, where=str(self._lock_file), hint="leave out --no-wait to wait for it"
                    ) from None
                tell(f"{what}; waiting for it")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(OSError):  # only a courtesy to others: a full disk is met further on
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def busy(self) -> bool:
        """Whether a run is under way."""
        try:
            with self._lock_file.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    @property
    def _lock_file(self) -> Path:
        return self.work / "lock"


def write_whole(path: Path, text: str) -> None:
    """Replace a file: after a crash, or a power cut, it holds the old text or the new one.

    Raises:
        OSError: It cannot be written; then the old text stays.
    """
    partial = path.with_name(f".{path.name}.new")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
