"""What is known beside the current hash: what runs, since when, what failed, what is half done."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from npm2nixlite.container.paths import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LastFailure", "Pending", "Status", "now", "read_status", "write_status"]


@dataclass(frozen=True)
class Pending:
    """A switch that was begun, and is not known to have ended.

    Attributes:
        to: The hash switched to.
        leaving: The hash switched from; None at the first.
        rollback: Whether somebody asked to return to it.
    """

    to: str
    leaving: str | None
    rollback: bool


@dataclass(frozen=True)
class LastFailure:
    """What went wrong last.

    Attributes:
        when: UTC, ISO 8601.
        hash: What was being built or switched to.
        step: In which step.
        what: In words.
    """

    when: str
    hash: str
    step: str
    what: str


@dataclass(frozen=True)
class Status:
    """The state beside the current hash.

    Attributes:
        running: The hash whose units were last seen to run.
        since: When they were; UTC, ISO 8601.
        previous: The hash that ran before.
        pending: A switch that is not done.
        failure: The last failure since the last success.
        rolled_back: The hash that a rollback left, and that is not to be switched to by itself.
    """

    running: str | None = None
    since: str | None = None
    previous: str | None = None
    pending: Pending | None = None
    failure: LastFailure | None = None
    rolled_back: str | None = None


def now() -> str:
    """The time, as statuses and results have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_status(path: Path) -> Status:
    """What was written; a file that is missing or broken counts as an empty one."""
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        pending, failure = fields.pop("pending"), fields.pop("failure")
        return Status(
            **fields,
            pending=None if pending is None else Pending(**pending),
            failure=None if failure is None else LastFailure(**failure),
        )
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return Status()


def write_status(path: Path, status: Status) -> None:
    """Write it.

    Raises:
        OSError: It cannot be written; then the old one stays.
    """
    write_whole(path, json.dumps(asdict(status), indent=2) + "\n")
