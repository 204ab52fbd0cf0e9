"""``npm2nixlite init``: what a project lacks for ``nix build`` and ``nix develop``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.cache import Cache
from npm2nixlite.cli.console import add_console_options
from npm2nixlite.cli.options import add_fetch_options, fetch_options
from npm2nixlite.errors import UsageError
from npm2nixlite.generate import GenerateOptions, generate, write_all
from npm2nixlite.init.files import LIBRARY
from npm2nixlite.init.inspect import inspect_project
from npm2nixlite.init.write import InitOptions, apply, plan_files, vendored
from npm2nixlite.messages import plural
from npm2nixlite.node_packages.names import OUTPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from npm2nixlite.cli.console import Console
    from npm2nixlite.generate import Generated
    from npm2nixlite.init.inspect import ProjectFacts
    from npm2nixlite.init.write import NewFile

__all__ = ["add_parser", "run"]

_DESCRIPTION = f"""\
Write what an npm project lacks to be built by Nix: {OUTPUT_NAME}, default.nix, shell.nix,
flake.nix, npm2nixlite.toml, entries for .gitignore, a pre-commit hook (in a git repository) and a
workflow that checks {OUTPUT_NAME} (where there is a .github directory).

A file that is there already is never changed, except that .gitignore gets the lines it lacks. What
will be written is shown before, and on a terminal you are asked.

The Nix library is copied into the project, as {LIBRARY}, so that the project needs nothing but
nixpkgs; run 'init' again with a newer npm2nixlite to bring that copy up to date. With --library,
the flake that you name is used instead.
"""

_EPILOG = """\
examples:
  npm2nixlite init                     the project in this directory
  npm2nixlite init --dry-run -v        print every file, and write nothing
  npm2nixlite init --library git+https://forge.example/npm2nixlite
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "init",
        help="write what a project lacks for 'nix build' and 'nix develop'",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", type=Path, default=Path(), help="default: ."
    )
    parser.add_argument("-y", "--yes", action="store_true", help="write without a question")
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="write nothing; -v prints the files"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--vendor", action="store_true", help="copy the Nix library into the project (the default)"
    )
    source.add_argument(
        "--library", metavar="FLAKE", help="take the Nix library from this flake instead"
    )
    parser.add_argument("--no-flake", action="store_true", help="write no flake.nix")
    add_fetch_options(parser)
    add_console_options(parser)


def run(parsed: argparse.Namespace, console: Console) -> int:
    """Run the command; returns the exit status."""
    facts = inspect_project(parsed.project)
    vendor = parsed.library is None
    files = plan_files(facts, InitOptions(flake=not parsed.no_flake, library=parsed.library))
    generated, _ = generate(
        [parsed.project],
        Cache(parsed.cache_dir),
        GenerateOptions(
            fetch=fetch_options(parsed),
            offline=parsed.offline,
            registry=parsed.registry,
            npmrc=parsed.npmrc,
        ),
        console.bar("fetching"),
    )
    shown = _shown(facts, files, generated, vendor=vendor)
    for line in shown:
        console.say(line)
    for file in files:
        if file.state != "kept":
            console.detail(f"\n--- {file.path}\n{file.text}".rstrip("\n"))
    if not parsed.dry_run:
        if not (parsed.yes or _agreed(facts, console)):
            console.say("nothing was written")
            return 130
        apply(facts.directory, files, vendor=vendor)
        write_all(generated)
        _tell_next(facts, files, console)
    console.summary(
        {
            "project": str(parsed.project),
            "dryRun": parsed.dry_run,
            "library": parsed.library or LIBRARY,
            "files": [{"path": file.path, "state": file.state} for file in files],
            "installScripts": list(facts.scripts),
            "gitDependencies": list(facts.git),
        }
    )
    return 0


def _shown(
    facts: ProjectFacts, files: Sequence[NewFile], generated: Sequence[Generated], *, vendor: bool
) -> list[str]:
    kinds = [f"{facts.name} {facts.version}"]
    if facts.workspaces:
        kinds.append(plural(len(facts.workspaces), "workspace"))
    if facts.node_major:
        kinds.append(f"Node.js {facts.node_major}")
    if facts.git:
        kinds.append(plural(len(facts.git), "git dependency", "git dependencies"))
    words = {"new": "new", "append": "gets the lines it lacks", "kept": "is there, and stays"}
    lines = [f"{facts.directory}: {', '.join(kinds)}"]
    lines += [f"  {file.path:<34} {words[file.state]}" for file in files]
    for item in generated:
        state = "up to date" if item.up_to_date else "new" if item.old_text is None else "renewed"
        lines.append(f"  {item.output.name:<34} {state}")
    if vendor:
        old = vendored(facts.directory)
        lines.append(f"  {LIBRARY + '/':<34} {'new' if old is None else f'renewed, was {old}'}")
    return lines


def _agreed(facts: ProjectFacts, console: Console) -> bool:
    answer = console.confirm("", "Write them?")
    if answer is None:
        raise UsageError(
            "there is no terminal to ask on",
            where=str(facts.directory),
            hint="agree with --yes, or look with --dry-run",
        )
    return answer


def _tell_next(facts: ProjectFacts, files: Sequence[NewFile], console: Console) -> None:
    if facts.scripts:
        names = ", ".join(path.rpartition("node_modules/")[2] for path in facts.scripts[:5])
        more = f" and {len(facts.scripts) - 5:,} more" if len(facts.scripts) > 5 else ""
        console.say(
            f"note: {plural(len(facts.scripts), 'package')} would run an install script: {names}"
            f"{more}. Name those that must in allowScripts (package.json, or default.nix)."
        )
    kept = [file.path for file in files if file.state == "kept" and file.path.endswith(".nix")]
    if kept:
        console.say(f"note: {', '.join(kept)} stays as it was; -v --dry-run shows what init writes")
    if (facts.directory / ".git").exists():
        console.say("next: git add the new files (a flake sees only what git knows), then:")
    else:
        console.say("next:")
    console.say("  nix build        or, without flakes: nix-build -A default")
    console.say("  nix develop      or: nix-shell")
    console.say(
        "after a change of the lock: npm2nixlite generate; in one step, with npm:\n"
        "  npm pkg set scripts.lock='npm install --package-lock-only && npm2nixlite generate'"
    )
