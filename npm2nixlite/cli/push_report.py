"""What ``push`` says of what it did, to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npm2nixlite.binarycache.query import Amend, Present
from npm2nixlite.cli.files import fetch_json, tell_fetched
from npm2nixlite.messages import human_bytes, plural

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console
    from npm2nixlite.publish import Copied, Pushed, SentSources

__all__ = ["as_json", "tell"]


def tell(console: Console, pushed: Pushed) -> None:
    """Say how a push to a store went."""
    if pushed.fetched is not None:
        tell_fetched(console, pushed.fetched)
    if pushed.sources is not None and pushed.sources.summary is None:
        _tell_plan(console, pushed.store, pushed.sources)
    elif pushed.sources is not None:
        _tell_summary(console, pushed, pushed.sources)
    if pushed.closures is not None:
        _tell_copied(console, pushed.store, pushed.closures)


def as_json(pushed: Pushed) -> dict[str, Any]:
    """The same, for programs."""
    return {
        "store": pushed.store,
        "tarballs": None if pushed.sources is None else _sources_json(pushed.sources),
        "closures": None if pushed.closures is None else _copied_json(pushed.closures),
        "fetch": None if pushed.fetched is None else fetch_json(pushed.fetched),
        "seconds": round(pushed.seconds, 3),
    }


def _tell_plan(console: Console, store: str, sent: SentSources) -> None:
    present, amend = _counts(sent)
    plan = sent.plan
    for entry in plan.missing:
        console.detail(f"  {entry.path}")
    console.say(
        f"{store}: {plural(len(plan.entries) + sent.absent, 'tarball')}: "
        f"{len(plan.missing):,} to send, {amend:,} to amend, {present:,} there already"
    )
    if sent.absent:
        console.say(
            f"{plural(sent.absent, 'more tarball')} would have to be fetched before it is asked"
        )


def _tell_summary(console: Console, pushed: Pushed, sent: SentSources) -> None:
    store, summary = pushed.store, sent.summary
    if summary is None:
        return
    for path, mismatch in summary.mismatches:
        console.warn(f"{store}: the narinfo of {path} was wrong, and is put right: {mismatch}")
    rate = ""
    if summary.sent:
        rate = f", {human_bytes(summary.sent_bytes / max(sent.sending, 1e-3))}/s"
    amended = f", {summary.amended:,} amended" if summary.amended else ""
    total = summary.present + summary.amended + summary.sent
    console.say(
        f"{store}: {plural(total, 'tarball')}: {summary.sent:,} sent "
        f"({human_bytes(summary.sent_bytes)}){amended}, {summary.present:,} there already; "
        f"{pushed.seconds:.1f} s{rate}"
    )


def _tell_copied(console: Console, store: str, copied: Copied) -> None:
    total = plural(copied.present + copied.copied + len(copied.missing), "store path")
    if copied.missing:
        for path in copied.missing:
            console.detail(f"  {path}")
        console.say(
            f"{store}: {total}: {len(copied.missing):,} to copy, {copied.present:,} there already"
        )
        return
    console.say(
        f"{store}: {total}: {copied.copied:,} copied, {copied.present:,} there already; "
        f"{copied.seconds:.1f} s"
    )


def _sources_json(sent: SentSources) -> dict[str, Any]:
    summary = sent.summary
    if summary is None:
        present, amend = _counts(sent)
        return {
            "present": present,
            "toAmend": amend,
            "toSend": [str(entry.path) for entry in sent.plan.missing],
            "toFetch": sent.absent,
        }
    return {
        "present": summary.present,
        "amended": summary.amended,
        "sent": summary.sent,
        "sentBytes": summary.sent_bytes,
        "mismatches": [
            {"path": str(path), "mismatch": mismatch} for path, mismatch in summary.mismatches
        ],
    }


def _copied_json(copied: Copied) -> dict[str, Any]:
    if copied.missing:
        return {"present": copied.present, "toCopy": list(copied.missing)}
    return {"present": copied.present, "copied": copied.copied}


def _counts(sent: SentSources) -> tuple[int, int]:
    states = [entry.state for entry in sent.plan.entries]
    return (
        sum(isinstance(state, Present) for state in states),
        sum(isinstance(state, Amend) for state in states),
    )
