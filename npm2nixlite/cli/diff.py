"""``npm2nixlite diff``: what a change of a lock brings in."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from npm2nixlite.cli.console import add_console_options
from npm2nixlite.messages import plural
from npm2nixlite.review.diff import LockDifference, Release, compare, read_releases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from npm2nixlite.cli.console import Console

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Tell what differs between two locks, or two generated files: packages added, removed and updated (a
major, minor or patch step), packages that gained an install script, and packages that come from
another host.

OLD and NEW are each a project's directory, a lock, a generated file, or one of these in a git
revision, as REV:PATH.
"""

_EPILOG = """\
examples:
  npm2nixlite diff HEAD:package-lock.json .
  npm2nixlite diff main:./node-packages.nix node-packages.nix --markdown
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "diff",
        help="tell what a change of a lock brings in",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--markdown", action="store_true", help="for a pull request")
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    found = compare(read_releases(parsed.old), read_releases(parsed.new))
    for line in _markdown(found) if parsed.markdown else _lines(found):
        console.result(line)
    console.summary(_json(found))
    return 0


def _sections(found: LockDifference) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Title → package and what is said of it."""
    steps = [
        (
            new.name,
            f"{old.version} → {new.version}"
            + (f" ({kind.value}{', to an older one' if older else ''})" if kind else ""),
        )
        for old, new, kind, older in found.bumps()
    ]
    yield "gained an install script", [_named(item) for item in found.gained_scripts]
    yield (
        "come from another host",
        [(item.name, f"{item.version} from {item.host or 'the registry'}") for item in found.moved],
    )
    yield "updated", steps
    yield "added", [_named(item) for item in found.added]
    yield "removed", [_named(item) for item in found.removed]


def _named(item: Release) -> tuple[str, str]:
    return item.name, item.version


def _lines(found: LockDifference) -> Iterator[str]:
    if not found:
        yield "no difference"
    for title, items in _sections(found):
        if items:
            yield f"{title}: {plural(len(items), 'package')}"
            for name, text in items:
                yield f"  {name} {text}".rstrip()


def _markdown(found: LockDifference) -> Iterator[str]:
    if not found:
        yield "No package differs."
    for title, items in _sections(found):
        if items:
            yield f"**{plural(len(items), 'package')} {title}**\n"
            yield "| package | version |\n|---|---|"
            for name, text in items:
                yield f"| `{_cell(name)}` | {_cell(text)} |"
            yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


def _json(found: LockDifference) -> dict[str, Any]:
    def release(item: Release) -> dict[str, Any]:
        return {
            "name": item.name,
            "version": item.version,
            "host": item.host,
            "installScript": item.install_script,
        }

    return {
        "added": [release(item) for item in found.added],
        "removed": [release(item) for item in found.removed],
        "updated": [
            {
                "name": new.name,
                "old": old.version,
                "new": new.version,
                "bump": kind.value if kind else None,
                "older": older,
            }
            for old, new, kind, older in found.bumps()
        ],
        "gainedInstallScript": [release(item) for item in found.gained_scripts],
        "movedHost": [release(item) for item in found.moved],
    }
