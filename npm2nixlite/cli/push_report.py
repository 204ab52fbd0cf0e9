"""What ``push`` says of what it did, to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npm2nixlite.binarycache.query import Amend
from npm2nixlite.cli.files import fetch_json, tell_fetched
from npm2nixlite.messages import human_bytes, plural

if TYPE_CHECKING:
    from npm2nixlite.cli.console import Console
    from npm2nixlite.errors import Npm2nixliteError
    from npm2nixlite.nix.copy import Copied
    from npm2nixlite.publish.options import Push, Pushed, Sent

__all__ = ["tell", "tell_stores"]


def tell(console: Console, push: Push, *, dry_run: bool) -> int:
    """Say how a push went; returns the exit status."""
    if push.fetched is not None:
        tell_fetched(console, push.fetched)
    tell_stores(console, push)
    console.summary(
        {
            "dryRun": dry_run,
            "stores": [_store_json(pushed) for pushed in push.stores],
            "fetch": None if push.fetched is None else fetch_json(push.fetched),
            "seconds": round(push.seconds, 3),
        }
    )
    return next((pushed.error.exit_status for pushed in push.stores if pushed.error), 0)


def tell_stores(console: Console, push: Push) -> None:
    """Say what became of each store."""
    for pushed in push.stores:
        _tell_store(console, pushed)


def _tell_store(console: Console, pushed: Pushed) -> None:
    for sent, what in ((pushed.sources, "tarball"), (pushed.closures, "store path")):
        if sent is not None and sent.summary is None:
            _tell_plan(console, pushed.store, sent, what)
        elif sent is not None:
            _tell_summary(console, pushed, sent, what)
    if pushed.copied is not None:
        _tell_copied(console, pushed.store, pushed.copied)
    if pushed.error is not None:
        console.error(str(pushed.error))


def _tell_plan(console: Console, store: str, sent: Sent, what: str) -> None:
    plan = sent.plan
    for entry in plan.missing:
        console.detail(f"  {entry.path}")
    upstream = f"{plan.upstream:,} upstream, " if plan.upstream else ""
    console.say(
        f"{store}: {plural(len(plan.entries) + sent.absent, what)}: "
        f"{len(plan.missing):,} to send, {len(plan.to_amend):,} to amend, {upstream}"
        f"{plan.present:,} there already"
    )
    if sent.absent:
        console.say(
            f"{plural(sent.absent, f'more {what}')} would have to be fetched before it is asked"
        )


def _tell_summary(console: Console, pushed: Pushed, sent: Sent, what: str) -> None:
    store, summary = pushed.store, sent.summary
    if summary is None:
        return
    for path, mismatch in summary.mismatches:
        console.warn(f"{store}: the narinfo of {path} was wrong, and is put right: {mismatch}")
    for path in summary.other_builds:
        console.warn(f"{store}: {path} is there from another build; it stays, and is not signed")
    rate = ""
    if summary.sent:
        rate = f", {human_bytes(summary.sent_bytes / max(sent.seconds, 1e-3))}/s"
    amended = f", {summary.amended:,} amended" if summary.amended else ""
    upstream = f", {summary.upstream:,} upstream" if summary.upstream else ""
    console.say(
        f"{store}: {plural(len(sent.plan.entries), what)}: {summary.sent:,} sent "
        f"({human_bytes(summary.sent_bytes)}){amended}{upstream}, {summary.present:,} there "
        f"already; {pushed.seconds:.1f} s{rate}"
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


def _store_json(pushed: Pushed) -> dict[str, Any]:
    return {
        "store": pushed.store,
        "tarballs": None if pushed.sources is None else _sent_json(pushed.sources),
        "closures": None if pushed.closures is None else _sent_json(pushed.closures),
        "copied": None if pushed.copied is None else _copied_json(pushed.copied),
        "error": None if pushed.error is None else _error_json(pushed.error),
        "seconds": round(pushed.seconds, 3),
    }


def _sent_json(sent: Sent) -> dict[str, Any]:
    plan, summary = sent.plan, sent.summary
    fields: dict[str, Any] = {"present": plan.present, "upstream": plan.upstream}
    if summary is None:
        return {
            **fields,
            "toAmend": [
                str(entry.path) for entry in plan.entries if isinstance(entry.state, Amend)
            ],
            "toSend": [str(entry.path) for entry in plan.missing],
            "toFetch": sent.absent,
        }
    return {
        **fields,
        "amended": summary.amended,
        "sent": summary.sent,
        "sentBytes": summary.sent_bytes,
        "mismatches": [
            {"path": str(path), "mismatch": mismatch} for path, mismatch in summary.mismatches
        ],
        "otherBuilds": [str(path) for path in summary.other_builds],
    }


def _copied_json(copied: Copied) -> dict[str, Any]:
    return {
        "present": copied.present,
        "copied": copied.copied,
        "toCopy": list(copied.missing),
    }


def _error_json(error: Npm2nixliteError) -> dict[str, Any]:
    return {
        "what": error.what,
        "where": list(error.where),
        "hint": error.hint,
        "exitStatus": error.exit_status,
    }
