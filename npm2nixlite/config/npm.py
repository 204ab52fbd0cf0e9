"""Ask the installed npm what it is configured to: the last resort, at a third of a second."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from npm2nixlite.errors import InputError

__all__ = ["configured_registry", "default_registry"]

_TIMEOUT = 60.0  # seconds


def configured_registry(project: Path, user_file: Path | None = None) -> str:
    """What ``npm config get registry`` says in a project's directory.

    Raises:
        InputError: There is no npm, or it fails.
    """
    arguments = ["config", "get", "registry"]
    if user_file is not None:
        arguments.append(f"--userconfig={user_file.resolve()}")
    try:
        return _npm(arguments, project, dict(os.environ))
    except FileNotFoundError as error:
        raise InputError(
            "no registry is named: the lock omits it, npm's configuration does not set it, and "
            "there is no npm to ask",
            hint="give --registry https://registry.example/, or set 'registry' in .npmrc",
        ) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            f"'npm config get registry' failed: {_reason(error)}",
            hint="give --registry, or set 'registry' in .npmrc",
        ) from error


@cache
def default_registry() -> str | None:
    """The registry npm uses where nothing is configured; None where there is no npm to ask."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().startswith("npm_config_")
    }
    nothing = [f"--userconfig={os.devnull}", f"--globalconfig={os.devnull}"]
    try:
        return _npm(["config", "get", "registry", *nothing], Path("/"), environment)
    except (OSError, subprocess.SubprocessError):
        return None


def _npm(arguments: list[str], directory: Path, environment: dict[str, str]) -> str:
    return subprocess.run(
        ["npm", *arguments],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
        timeout=_TIMEOUT,
    ).stdout.strip()


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError) and error.stderr:
        return str(error.stderr).strip().splitlines()[-1]
    return str(error)
