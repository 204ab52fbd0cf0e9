"""Calls of the NixOS modules' pure functions, as Nix expressions."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["call"]

_LOGIC = Path(__file__).parents[2] / "nix" / "modules" / "lib"


def call(function: str, *arguments: object) -> str:
    """A function of nix/modules/lib, called with values that JSON can say."""
    values = " ".join(f"(builtins.fromJSON {_string(json.dumps(one))})" for one in arguments)
    return f"(import {_LOGIC}).{function} {values}"


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'
