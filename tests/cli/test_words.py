"""Misspelt words on the command line: which one was meant, with the usage of that command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cli.parser import COMMANDS, program_parser
from tests.support.projects import run_program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "usage", "message"),
    [
        (["generat"], "npm2nixlite [-h]", "there is no command 'generat'; did you mean generate?"),
        (["xyzzy"], "npm2nixlite [-h]", "there is no command 'xyzzy'; there are init, generate,"),
        (
            ["generate", "--chekc"],
            "npm2nixlite generate",
            "unrecognized arguments: --chekc; did you mean --check?",
        ),
        (
            ["bench", "--runz=3"],
            "npm2nixlite bench",
            "unrecognized arguments: --runz=3; did you mean --runs?",
        ),
        (["generate", "--zzz"], "npm2nixlite generate", "unrecognized arguments: --zzz\n"),
        (["verify", "--omit", "dve"], "npm2nixlite verify", "'dve'; did you mean dev?"),
    ],
)
def test_a_misspelt_word_gets_a_suggestion(
    home: Path, words: list[str], usage: str, message: str
) -> None:
    run = run_program(*words, home=home)
    assert run.status == 2
    assert run.stderr.startswith(f"usage: {usage}")
    assert message in run.stderr


def test_every_command_is_listed_with_its_help(home: Path) -> None:
    run = run_program("--help", home=home)
    assert run.status == 0
    for name in COMMANDS:
        assert f"\n    {name}" in run.stdout
        program_parser(name)
