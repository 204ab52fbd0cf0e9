from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.errors import BuildError
from npm2nixlite.messages import human_bytes, plural, printable, without_credentials
from npm2nixlite.nix.command import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (1234, "1,234 entries")],
)
def test_plural(number: int, expected: str) -> None:
    assert plural(number, "entry", "entries") == expected


def test_plural_adds_an_s() -> None:
    assert plural(1, "package") == "1 package"
    assert plural(3, "package") == "3 packages"


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_000, "999.0 kB"),
        (1_500_000, "1.5 MB"),
        (2e9, "2.0 GB"),
        (3e12, "3000.0 GB"),
    ],
)
def test_human_bytes(count: float, expected: str) -> None:
    assert human_bytes(count) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://me:secret@cache.example/x", "https://cache.example/x"),
        ("https://token@cache.example", "https://cache.example"),
        ("https://me:a@b@cache.example:8080/x@y?z#f@g", "https://cache.example:8080/x@y?z#f@g"),
        ("ssh-ng://u:PW@h", "ssh-ng://h"),
        ("https://cache.example?key=a@b", "https://cache.example?key=a@b"),
        ("file:///dir/a@b", "file:///dir/a@b"),
        ("daemon", "daemon"),
    ],
)
def test_no_credentials_in_an_address(address: str, expected: str) -> None:
    assert without_credentials(address) == expected


def test_what_nix_says_is_shown_without_passwords(tmp_path: Path) -> None:
    command = tmp_path / "says"
    command.write_text("#!/bin/sh\necho \"error: no 'ssh-ng://u:s3cret@h/x' here\" >&2\nexit 1\n")
    command.chmod(0o755)
    with pytest.raises(BuildError, match="no 'ssh-ng://h/x' here"):
        asyncio.run(run([str(command)]))


def test_control_characters_are_shown_and_do_nothing() -> None:
    assert printable("a\x1b[31m\r\x9b\u202e\tb\n") == "a\\x1b[31m\\r\\x9b\\u202e\tb\n"
