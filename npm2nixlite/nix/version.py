"""Which versions of other programs are installed."""

from __future__ import annotations

import subprocess
from functools import cache

from npm2nixlite.errors import BuildError
from npm2nixlite.versions import ToolVersion, version_in

__all__ = ["OLDEST_NIX", "require_nix", "tool_version"]

OLDEST_NIX = ToolVersion("2.8")
"""What everything here, the generated files included, is tried with at the least."""

_TIMEOUT = 60.0  # seconds


@cache
def tool_version(program: str) -> ToolVersion | None:
    """The release a program says it is, of what it answers to ``--version``.

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
    return version_in(answer.stdout)


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
