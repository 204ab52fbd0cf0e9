"""``engines`` ranges: hand-picked ones, and node-semver's own judgement on many."""

from __future__ import annotations

import random

import pytest

from npm2nixlite.assemble.engines import satisfies
from tests.support.npm import ask_npm


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        ("20.20.2", ">=18", True),
        ("v20.20.2", "^18.12 || ^20.9", True),
        ("20.20.2", "^18.12.0 || >=22.11.0", False),
        ("20.20.2", "14.x - 18.x", False),
        ("20.20.2", "~20.20", True),
        ("20.20.2", ">= 10.13.0 < 21", True),
        ("20.20.2", "*", True),
        ("20.20.2", "", True),
        ("20.20.2", "node 20", False),
        ("20.0.0-rc.1", ">=20", True),
        ("20.0.0-rc.1", ">=20.0.0", False),
        ("0.0.3", "^0.0.2", False),
    ],
)
def test_ranges(version: str, wanted: str, answer: bool) -> None:
    assert satisfies(version, wanted) is answer


def _some(draw: random.Random) -> str:
    parts = []
    for _ in range(draw.randint(1, 3)):
        parts.append(draw.choice(["0", "1", "2", "18", "20", "x", "*"]))
        if parts[-1] in "x*":
            break
    whole = len(parts) == 3 and parts[-1] not in "x*"
    return ".".join(parts) + (draw.choice(["", "", "-0", "-rc.1"]) if whole else "")


@pytest.mark.npm
def test_agrees_with_node_semver() -> None:
    draw = random.Random(20)
    ranges = [f"{_some(draw)} - {_some(draw)}" for _ in range(500)]
    signs = ["", "^", "~", ">=", "<=", ">", "<", "=", "~> ", ">= "]
    for _ in range(2500):
        words = [draw.choice(signs) + _some(draw) for _ in range(draw.randint(1, 2))]
        ranges.append(draw.choice([" ", "  ", " || ", "||"]).join(words))
    versions = ["20.20.2", "18.0.0", "0.0.0", "0.1.2", "2.0.0", "20.0.0-rc.1", "0.0.2", "19.0.0-0"]
    program = """
      const { semver } = MODULES;
      const [ranges, versions] = data;
      const judge = (v, r) => semver.satisfies(v, r, { includePrerelease: true });
      console.log(JSON.stringify(ranges.map((r) => versions.map((v) => judge(v, r)))));
    """
    theirs = ask_npm(program, [ranges, versions], "semver")
    ours = [[satisfies(version, wanted) for version in versions] for wanted in ranges]
    wrong = [
        wanted for wanted, one, other in zip(ranges, ours, theirs, strict=True) if one != other
    ]
    assert not wrong
