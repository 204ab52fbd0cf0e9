"""Commands' files: made executable where they are the tree's own, and nowhere else."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from npm2nixlite.assemble.bins import link_bins
from npm2nixlite.assemble.tree import build_tree

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_command_that_leads_out_of_the_tree_changes_nothing_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"#!/bin/sh\r\n")
    out = tmp_path / "out"
    package = out / "node_modules/a"
    package.mkdir(parents=True)
    (package / "inside.js").write_bytes(b"#!/usr/bin/env node\r\n")
    (package / "outside.js").symlink_to(secret)
    for file in (secret, package / "inside.js"):
        file.chmod(0o600)
    entry = {"version": "1.0.0"}
    tree = build_tree({}, {"": ({}, {}), "node_modules/a": (entry, {"name": "a", **entry})})
    (node,) = (node for node in tree.nodes.values() if node.location == "node_modules/a")
    link_bins(out, [(node, {"name": "a", "bin": {"in": "inside.js", "out": "outside.js"}})])
    assert mode(secret) == 0o600
    assert secret.read_bytes() == b"#!/bin/sh\r\n"
    assert mode(package / "inside.js") & 0o111
    assert (package / "inside.js").read_bytes() == b"#!/usr/bin/env node\n"
    assert sorted(path.name for path in (out / "node_modules/.bin").iterdir()) == ["in", "out"]
