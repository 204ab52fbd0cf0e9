"""Make what is generated of the documentation, or check that it is up to date.

    python docs/build.py            write
    python docs/build.py --check    write nothing; exit 1 where a file is stale

It makes the reference of commands (Markdown), a manual page, and completions for shells, all of
them from the command line's own parser.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHELLS = ("bash", "zsh", "fish")
NO_DATE = "0"
HOME = "/HOME"


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit status."""
    # What --help says of defaults must not depend on who runs this, nor when.
    os.environ.update(HOME=HOME, COLUMNS="100", SOURCE_DATE_EPOCH=NO_DATE)
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        os.environ.pop(name, None)
    sys.path.insert(0, str(ROOT))
    check = "--check" in arguments
    stale = []
    for path, made in files().items():
        file, text = ROOT / path, made.replace(HOME, "~")
        if file.is_file() and file.read_text("utf-8") == text:
            continue
        stale.append(path)
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    for path in stale:
        print(f"{path}: {'stale; run docs/build.py' if check else 'written'}")
    return 1 if stale and check else 0


def files() -> dict[str, str]:
    """Path below the checkout → text."""
    made = {"docs/reference/commands.md": commands(), "docs/man/npm2nixlite.1": manual()}
    for shell in SHELLS:
        made[f"docs/completions/npm2nixlite.{shell}"] = completions(shell)
    return made


def commands() -> str:
    """Each command's ``--help``."""
    from npm2nixlite.cli.parser import COMMANDS

    parts = [
        "# Commands\n\n`npm2nixlite COMMAND --help` says the same.\n",
        f"```text\n{_help()}```\n",
        *(f"## {name}\n\n```text\n{_help(name)}```\n" for name in COMMANDS),
    ]
    return "\n".join(parts)


def _help(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "npm2nixlite", *command, "--help"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def manual() -> str:
    """A page for ``man``."""
    from argparse_manpage.manpage import Manpage

    from npm2nixlite.cli.parser import program_parser

    page = Manpage(program_parser(), format="single-commands-section")
    page.manual = "User Commands"
    page.date = ""
    return str(page)


def completions(shell: str) -> str:
    """Completions for a shell."""
    import shtab

    from npm2nixlite.cli.parser import program_parser

    text: str = shtab.complete(program_parser(), shell)
    return text if text.endswith("\n") else f"{text}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
