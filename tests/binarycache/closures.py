"""Closures in a local store of the tests' own, for pushing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import NixElsewhere

__all__ = ["build"]

_EXPRESSION = """\
{ tree, salt }:
let
  inner = builtins.toFile "inner" "x${salt}";
in
derivation {
  name = "outer";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [
    "-c"
    "echo ${builtins.path { path = tree; name = "tree"; }} ${inner} $out > $out"
  ];
}
"""


def build(nix: NixElsewhere, directory: Path, *, salt: str = "", large: int = 3 << 20) -> str:
    """Build a path that refers to itself, to a text and to a tree; returns it.

    Args:
        nix: The store to build in.
        directory: Where to lay out the tree.
        salt: What makes it another one.
        large: Bytes of the tree's largest file, which cannot be compressed.
    """
    tree = directory / f"tree{salt}"
    (tree / "below").mkdir(parents=True)
    noise = random.Random(salt)
    for number in range(40):
        (tree / f"below/{number}").write_bytes(noise.randbytes(100 * number))
    (tree / "program").write_text("#!/bin/sh\n")
    (tree / "program").chmod(0o755)
    (tree / "link").symlink_to("below/1")
    (tree / "large").write_bytes(noise.randbytes(large))
    (directory / "closure.nix").write_text(_EXPRESSION)
    arguments = ("--argstr", "salt", salt, "--arg", "tree", tree)
    return nix.line("nix-build", "--no-out-link", directory / "closure.nix", *arguments)
