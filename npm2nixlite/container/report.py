"""What is to be said of a name's state, for ``--status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from npm2nixlite.container.results import Results
from npm2nixlite.container.status import read_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from npm2nixlite.container.paths import ContainerPaths

__all__ = ["describe", "state"]


def state(places: ContainerPaths) -> dict[str, Any]:
    """Everything known, for programs; nothing is written and no lock is taken."""
    results = Results(places)
    status = read_status(places.status)
    current = places.current_hash()
    built = results.built(current) if current else None
    return {
        "name": places.name,
        "hash": current,
        "result": str(places.current) if results.linked() else None,
        "whole": current is not None and results.whole(current),
        "built": None if built is None else asdict(built),
        "running": status.running,
        "runningSince": status.since,
        "previous": status.previous,
        "rollbackTo": _rollback_target(results, current, status.running, status.previous),
        "pending": None if status.pending is None else asdict(status.pending),
        "lastFailure": None if status.failure is None else asdict(status.failure),
        "rolledBack": status.rolled_back,
        "busy": places.busy(),
        "log": str(places.log),
    }


def describe(fields: Mapping[str, Any]) -> Iterator[str]:
    """The same, for people."""
    yield f"{fields['name']}: {fields['hash'] or 'never built'}"
    if fields["hash"] and not fields["whole"]:
        yield "  its result is missing or broken; the next run builds it anew"
    built = fields["built"]
    if built:
        yield f"  built {built['when']} in {built['seconds']:.1f} s with {built['runner']}"
        yield f"  from {built['source']}"
    if fields["running"]:
        which = "" if fields["running"] == fields["hash"] else f" ({fields['running']})"
        yield f"  running since {fields['runningSince']}{which}"
    if fields["pending"]:
        yield f"  a switch to {fields['pending']['to']} is not finished"
    if fields["rollbackTo"]:
        yield f"  --rollback returns to {fields['rollbackTo']}"
    if fields["rolledBack"]:
        yield f"  rolled back from {fields['rolledBack']}"
    failure = fields["lastFailure"]
    if failure:
        yield f"  last failure {failure['when']}, {failure['step']}: {failure['what']}"
        yield f"  log: {fields['log']}"
    if fields["busy"]:
        yield "  a run is under way"


def _rollback_target(
    results: Results, current: str | None, running: str | None, previous: str | None
) -> str | None:
    target = running if running != current else previous
    return target if target is not None and results.whole(target) else None
