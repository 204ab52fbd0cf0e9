"""The order of names, which is JavaScript's."""

from __future__ import annotations

import json
import random
import subprocess

import pytest

from npm2nixlite.assemble.collation import collation_key


def test_lower_case_goes_first_and_punctuation_before_letters() -> None:
    names = ["B", "a-b", "b", "ab", "A", "a", "a_b", "@a/b", "node_modules/z", "é", "f", "a.b", "1"]
    assert sorted(names, key=collation_key) == [
        "@a/b", "1", "a", "A", "a_b", "a-b", "a.b", "ab", "b", "B", "é", "f", "node_modules/z",
    ]  # fmt: skip


@pytest.mark.npm
def test_agrees_with_locale_compare() -> None:
    draw = random.Random(4)
    printable = "".join(map(chr, range(32, 127)))
    words = {"".join(draw.choices(printable, k=draw.randint(1, 6))) for _ in range(5000)}
    program = """
      const words = JSON.parse(require("fs").readFileSync(0));
      console.log(JSON.stringify(words.sort((a, b) => a.localeCompare(b, "en"))));
    """
    done = subprocess.run(
        ["node", "-e", program],
        input=json.dumps(sorted(words)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(words, key=collation_key) == json.loads(done.stdout)
