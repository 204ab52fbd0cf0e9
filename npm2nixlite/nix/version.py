"""Which versions of other programs are installed."""

from __future__ import annotations

import re
import subprocess
from functools import cache

from packaging.version import Version

from npm2nixlite.errors import BuildError

__all__ = ["OLDEST_NIX", "require_nix", "tool_version"]

OLDEST_NIX = Version("2.8")
"""What everything here, the generated files included, is tried with at the least."""

_VERSION = re.compile(r"\b\d+(?:\.\d+)+")
_TIMEOUT = 60.0  # seconds


@cache
def tool_version(program: str) -> Version | None:
    """The release a program says it is, of what it answers to ``--version``.

    What follows the numbers, such as a development version's date, is left out.

    Args:
        program: Found on PATH.

    Returns:
        None where there is no such program, or it names no version.
    """
    try:
        answer = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(answer.stdout.partition("\n")[0])
    return None if found is None else Version(found[0])


def require_nix(purpose: str) -> None:
    """Make sure that there is a Nix, and one that is new enough.

    Args:
        purpose: What it is needed for, for the message.

    Raises:
        BuildError: There is none, or it is too old.
    """
    found = tool_version("nix-store")
    if found is None:
        raise BuildError(
            f"{purpose} needs Nix, and there is no nix-store to be found",
            hint="install Nix; without it, push node-packages.nix files to file://, http(s):// or"
            " s3://",
        )
    if found < OLDEST_NIX:
        raise BuildError(
            f"{purpose} needs Nix {OLDEST_NIX} or newer; this one is {found}",
            where="nix-store",
            hint="bring Nix up to date",
        )
