"""Nix evaluating a generated file: beside node2nix's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Table, tabulate
from benchmarks.measure import Contestant, contest, run
from benchmarks.suites.generate import node2nix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.context import Setting

__all__ = ["evaluation", "measure"]

_STUBS = (
    "node2nix's file gets stubs of what it takes from nixpkgs, and the same fetchurl as ours "
    "(Nix's own): only its sources are evaluated, not its builders. Its file has one source for "
    "each name and version."
)

OURS = "npm2nixlite's file, all sources"
THEIRS = "node2nix's file, all sources"
NOTHING = "nothing but Nix's start"

_OURS = 'map (s: s.drvPath) (import {file} {{ registry = "https://registry.example/"; }}).sources'
_ALL = (
    "builtins.attrValues (builtins.mapAttrs (_: p: p.src.drvPath or p.link or null) "
    '(import {file} {{ registry = "https://registry.example/"; }}).packages)'
)
# What its file takes from nixpkgs, as little as evaluating its sources needs; the fetcher is the
# same as ours.
_THEIRS = """\
let
  packages = import {file} {{
    fetchurl = import <nix/fetchurl.nix>;
    fetchgit = null;
    nix-gitignore = null;
    stdenv = null;
    nodeEnv = {{
      buildNodeSourceDist = args: args;
      buildNodePackage = args: args;
      buildNodeShell = args: args;
      buildNodeDependencies = args: args;
    }};
    lib.overrideExisting = old: new: old // new;
  }};
in
map (s: s.src.drvPath) (builtins.attrValues packages.sources)
"""


def measure(setting: Setting) -> Iterator[Table]:
    """All derivations of both files, and of ours also every package."""
    with setting.room() as room:
        stock = setting.stock(room)
        file = room / "node-packages.nix"
        file.write_text(stock.text)
        with setting.course(stock, room) as (course, _):
            made = node2nix(course, room / "node2nix")
            run(made)
            assert made.directory is not None
            contestants = {
                NOTHING: evaluation("null", room),
                OURS: evaluation(_OURS.format(file=file), room),
                "npm2nixlite's file, every install path": evaluation(_ALL.format(file=file), room),
                THEIRS: evaluation(_THEIRS.format(file=made.directory / "node-packages.nix"), room),
            }
            results = contest(contestants, setting.runs, budget=setting.budget, limit=setting.limit)
    count = len(stock.paths)
    spent = {r.name: min((s.seconds for s in r.samples), default=0.0) for r in results}
    each = (spent[OURS] - spent[NOTHING]) / count * 1e6
    yield tabulate(
        "evaluate",
        "Nix evaluating the generated file, down to every derivation's path",
        f"{setting.project.name}: {count:,} tarballs, {len(stock.addresses):,} install paths",
        results,
        reference=OURS,
        ours=[OURS, "npm2nixlite's file, every install path"],
        notes=(
            f"For each tarball {each:.0f} µs, without Nix's start: of the fastest runs.",
            _STUBS,
        ),
    )


def evaluation(expression: str, room: Path) -> Contestant:
    """Nix evaluating an expression, writing no derivation anywhere."""
    return Contestant(
        ["nix-instantiate", "--eval", "--strict", "--json", "--expr", expression],
        lambda: None,
        environment={"NIX_READ_ONLY_MODE": "1", "XDG_CACHE_HOME": str(room / "nix-cache")},
    )
