"""The ``.npmrc`` files: npm's dialect of ini, with environment variables expanded."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from npm2nixlite.errors import InputError
from npm2nixlite.files import read_file, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Npmrc", "environment_settings", "npmrc_files", "parse_npmrc", "read_npmrc"]

Npmrc = dict[str, str]
"""Key → value, as npm reads one file or the environment; a list is its values, one a line."""

_VARIABLE = re.compile(r"(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}")
_LARGEST = 16 << 20  # bytes
_NPM_VARIABLE = re.compile(r"npm_config_(.+)", re.IGNORECASE)


def parse_npmrc(text: str, environment: Mapping[str, str]) -> Npmrc:
    """Parse an ``.npmrc``.

    Args:
        text: Lines ``key = value``; ``;`` and ``#`` begin a comment; values may be quoted.
        environment: What ``${NAME}`` and ``${NAME?}`` expand to. An unknown ``${NAME}`` stays as
            it is, an unknown ``${NAME?}`` is empty, and a backslash before it protects it.
    """
    settings: Npmrc = {}
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            break  # keys in a section are not npm's settings
        if not stripped or stripped[0] in ";#":
            continue
        key, equals, value = stripped.partition("=")
        key = _expand(_unquote(key.strip()), environment)
        text = _expand(_unquote(value.strip()), environment) if equals else "true"
        if key.endswith("[]"):
            key = key.removesuffix("[]")
            text = f"{settings[key]}\n{text}" if key in settings else text
        settings[key] = text
    return settings


def read_npmrc(path: Path, environment: Mapping[str, str]) -> Npmrc:
    """Read one ``.npmrc``; empty where there is none.

    Raises:
        InputError: It is there but cannot be read.
    """
    try:
        return parse_npmrc(read_file(path, _LARGEST).decode("utf-8-sig"), environment)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {reason(error)}", where=str(path)) from error


def environment_settings(environment: Mapping[str, str]) -> Npmrc:
    """The settings in ``npm_config_…`` variables, in whatever case; empty ones do not count."""
    settings: Npmrc = {}
    for name, value in environment.items():
        match = _NPM_VARIABLE.fullmatch(name)
        if match and value:
            key = match[1]
            if not key.startswith("//"):  # credentials keep their spelling
                key = key[0].lower() + key[1:].lower().replace("_", "-")
            settings[key] = _expand(value, environment)
    return settings


def npmrc_files(
    project: Path, environment: Mapping[str, str], user_file: Path | None
) -> tuple[Path, ...]:
    """The files npm would read for a project, the one that wins first.

    Args:
        project: The project's directory.
        environment: For ``npm_config_userconfig``, ``npm_config_globalconfig`` and ``PREFIX``.
        user_file: Read in the place of the user's own (npm's ``--userconfig``).
    """
    settings = environment_settings(environment)
    home = Path(environment.get("HOME") or Path.home())
    user = user_file or Path(settings.get("userconfig") or home / ".npmrc")
    files = [project / ".npmrc", user]
    if "globalconfig" in settings:
        files.append(Path(settings["globalconfig"]))
    else:
        prefix = settings.get("prefix") or environment.get("PREFIX") or _node_prefix(environment)
        files.extend([Path(prefix) / "etc" / "npmrc"] if prefix else [])
    return tuple(files)


def _node_prefix(environment: Mapping[str, str]) -> str | None:
    """The directory npm installs global packages into: the one Node.js itself stands in."""
    node = shutil.which("node", path=environment.get("PATH", os.defpath))
    return str(Path(node).resolve().parent.parent) if node else None


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except (ValueError, RecursionError):
            return text
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    text = re.split(r"(?<!\\)[;#]", text, maxsplit=1)[0].rstrip()
    return re.sub(r"\\([\\;#])", r"\1", text)


def _expand(text: str, environment: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        backslashes, name, optional = match.groups()
        if len(backslashes) % 2:
            return match[0][(len(backslashes) + 1) // 2 :]
        unknown = "" if optional else f"${{{name}}}"
        return backslashes[len(backslashes) // 2 :] + environment.get(name, unknown)

    return _VARIABLE.sub(value, text)
