"""What ``push`` says of tarballs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npm2nixlite.binarycache.query import Amend, Present
from npm2nixlite.messages import human_bytes, plural

if TYPE_CHECKING:
    from npm2nixlite.binarycache.push import Plan, Summary
    from npm2nixlite.cli.console import Console

__all__ = ["tell_plan", "tell_summary"]


def tell_plan(console: Console, store: str, plan: Plan, absent: int) -> dict[str, Any]:
    """Say what a push of tarballs would do; the same for programs.

    Args:
        console: Where to say it.
        store: The cache, without credentials.
        plan: What it has, of the tarballs that are here.
        absent: How many are not.
    """
    present = sum(isinstance(entry.state, Present) for entry in plan.entries)
    amend = sum(isinstance(entry.state, Amend) for entry in plan.entries)
    for entry in plan.missing:
        console.detail(f"  {entry.path}")
    console.say(
        f"{store}: {plural(len(plan.entries) + absent, 'tarball')}: {len(plan.missing):,} to send, "
        f"{amend:,} to amend, {present:,} there already"
    )
    if absent:
        console.say(f"{plural(absent, 'more tarball')} would have to be fetched before it is asked")
    return {
        "present": present,
        "toAmend": amend,
        "toSend": [str(entry.path) for entry in plan.missing],
        "toFetch": absent,
    }


def tell_summary(
    console: Console, store: str, summary: Summary, sending: float, seconds: float
) -> dict[str, Any]:
    """Say what a push of tarballs did; the same for programs.

    Args:
        console: Where to say it.
        store: The cache, without credentials.
        summary: What came of it.
        sending: Seconds that sending took.
        seconds: Seconds that all of it took.
    """
    for path, lie in summary.lies:
        console.warn(f"{store}: the narinfo of {path} was wrong, and is put right: {lie}")
    rate = ""
    if summary.sent:
        rate = f", {human_bytes(summary.sent_bytes / max(sending, 1e-3))}/s"
    amended = f", {summary.amended:,} amended" if summary.amended else ""
    total = summary.present + summary.amended + summary.sent
    console.say(
        f"{store}: {plural(total, 'tarball')}: {summary.sent:,} sent "
        f"({human_bytes(summary.sent_bytes)}){amended}, {summary.present:,} there already; "
        f"{seconds:.1f} s{rate}"
    )
    return {
        "present": summary.present,
        "amended": summary.amended,
        "sent": summary.sent,
        "sentBytes": summary.sent_bytes,
        "lies": [{"path": str(path), "lie": lie} for path, lie in summary.lies],
    }
