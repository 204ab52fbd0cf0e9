"""``npm2nixlite build``: canonical, and where that cannot be, in a container."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.container_build import build_in_container, outcome_json, outcome_line
from npm2nixlite.cli.container_options import add_container_options
from npm2nixlite.container.job import check_name
from npm2nixlite.errors import BuildError
from npm2nixlite.messages import plural
from npm2nixlite.nix.build import EvaluationError, Expression, blockers_of, nix_build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.cli.console import Console
    from npm2nixlite.plan import Blocker

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Build a project canonically, with nix-build; where that cannot be, in a container.

The container build (see 'npm2nixlite container-build --help') runs where the lock has blockers,
and, with --fallback, where the canonical build fails. An expression that cannot be evaluated is an
error of its own: a typo is no reason to build with network. The last line says which build ran,
and why.

PROJECT is a directory with a lock.
"""

_EPILOG = """\
examples:
  npm2nixlite build --attr frontend            default.nix of this directory
  npm2nixlite build backend --file nix/backend.nix --fallback --unit mempool-mainnet
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "build",
        help="build canonically, or, where that cannot be, in a container",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", type=Path, default=Path(), help="default: ."
    )
    group = parser.add_argument_group("the canonical build")
    group.add_argument(
        "--file", metavar="FILE", type=Path, help="what nix-build builds (default: default.nix)"
    )
    group.add_argument("-A", "--attr", metavar="ATTRIBUTE", help="the attribute of it")
    group.add_argument(
        "--argstr",
        nargs=2,
        metavar=("NAME", "VALUE"),
        action="append",
        default=[],
        help="an argument for it, a string",
    )
    group.add_argument(
        "--arg",
        nargs=2,
        metavar=("NAME", "EXPRESSION"),
        action="append",
        default=[],
        help="an argument for it, a Nix expression",
    )
    group.add_argument(
        "--out-link",
        metavar="LINK",
        type=Path,
        default=Path("result"),
        help="the symlink to its result (default: %(default)s)",
    )
    group.add_argument(
        "--fallback", action="store_true", help="build in a container where nix-build fails"
    )
    parser.add_argument(
        "--name", help="the service's name for the container build (default: the directory's)"
    )
    add_container_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    project: Path = parsed.project
    name = check_name(parsed.name or _name(project))
    blockers = blockers_of(project)
    if blockers:
        return _in_container(parsed, console, name, _count(blockers), blockers)
    expression = Expression(
        file=parsed.file or project / "default.nix",
        attribute=parsed.attr,
        strings=dict(parsed.argstr),
        out_link=parsed.out_link,
        expressions=dict(parsed.arg),
    )
    # A project may have no default.nix; a file that is named is expected to be there.
    none_at_all = parsed.file is None and not expression.file.exists()
    try:
        paths = nix_build(expression)
    except (BuildError, EvaluationError) as error:
        if not parsed.fallback or (isinstance(error, EvaluationError) and not none_at_all):
            raise
        why = f"the canonical build failed: {error.what}"
        console.warn(f"{why}; building in a container")
        return _in_container(parsed, console, name, why, blockers)
    why = "the lock has no blocker"
    for path in paths:
        console.result(path)
    console.say(f"ran: canonical ({why})")
    console.summary({"ran": "canonical", "why": why, "results": paths, "blockers": []})
    return 0


def _in_container(
    parsed: argparse.Namespace,
    console: Console,
    name: str,
    why: str,
    blockers: Sequence[Blocker],
) -> int:
    for blocker in blockers:
        console.warn(f"not canonical: {blocker.install_path}: {blocker.reason}")
    outcome = build_in_container(parsed, console, name, parsed.project)
    console.say(outcome_line(outcome))
    console.say(f"ran: container ({why})")
    console.summary(
        {
            "ran": "container",
            "why": why,
            "results": [str(outcome.result)],
            "blockers": [
                {"path": blocker.install_path, "reason": blocker.reason} for blocker in blockers
            ],
            "containerBuild": outcome_json(outcome),
        }
    )
    return 0


def _count(blockers: Sequence[Blocker]) -> str:
    number = len(blockers)
    return f"the lock has {plural(number, 'blocker')}"


def _name(project: Path) -> str:
    """A service's name from a directory's."""
    words = re.findall("[a-z0-9]+", project.resolve().name.lower())
    return "-".join(words)[:40].rstrip("-")
