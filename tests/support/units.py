"""Units that the NixOS modules describe, as the files that NixOS makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.projects import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["complaints", "render", "visible_checkout"]

_RELATIONS = {
    "wants": "Wants",
    "requires": "Requires",
    "after": "After",
    "before": "Before",
    "partOf": "PartOf",
}
_SECTIONS = {
    "unitConfig": "Unit",
    "serviceConfig": "Service",
    "sliceConfig": "Slice",
    "pathConfig": "Path",
    "timerConfig": "Timer",
}


def render(unit: Mapping[str, Any]) -> str:
    """A unit file: the stand-in for nixpkgs' own of what our units have.

    An option that it does not know is an error, so that none is overlooked.
    """
    sections: dict[str, list[str]] = {"Unit": [f"Description={unit['description']}"]}
    environment = dict(unit.get("environment", {}))
    if unit.get("path"):
        programs = [f"{package}/{name}" for name in ("bin", "sbin") for package in unit["path"]]
        environment["PATH"] = ":".join(programs)
    for name, value in unit.items():
        if name in _RELATIONS and value:
            sections["Unit"].append(f"{_RELATIONS[name]}={' '.join(value)}")
        elif name == "startLimitIntervalSec":
            sections["Unit"].append(f"StartLimitIntervalSec={value}")
        elif name in ("wantedBy", "requiredBy"):
            key = "WantedBy" if name == "wantedBy" else "RequiredBy"
            sections.setdefault("Install", []).append(f"{key}={' '.join(value)}")
        elif name in _SECTIONS:
            sections.setdefault(_SECTIONS[name], []).extend(_settings(value))
        else:
            assert name in {"description", "environment", "path", *_RELATIONS}, name
    for name, value in environment.items():
        sections["Service"].append(f"Environment={json.dumps(f'{name}={value}')}")
    return "\n".join(f"[{name}]\n" + "\n".join(lines) + "\n" for name, lines in sections.items())


def visible_checkout() -> str:
    """A drop-in that lets a unit see the program under test in one of the places that it hides."""
    lines = ["[Service]"]
    places = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]
    if any(path.is_relative_to(hidden) for path in places for hidden in ("/tmp", "/var/tmp")):
        lines.append("PrivateTmp=no")
    if any(ROOT.is_relative_to(hidden) for hidden in ("/home", "/root", "/run/user")):
        lines.append("ProtectHome=no")
    return "\n".join([*lines, ""])


def complaints(files: Iterable[Path]) -> str:
    """What ``systemd-analyze verify`` says of unit files, but for what it says of others."""
    paths = list(files)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *paths],
        capture_output=True,
        text=True,
    )
    ours = {str(path.parent) for path in paths} | {path.name for path in paths}
    said = [line for line in done.stderr.splitlines() if any(word in line for word in ours)]
    return "\n".join(said)


def _settings(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            yield f"{name}={str(one).lower() if isinstance(one, bool) else one}"
