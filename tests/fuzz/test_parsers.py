"""Each parser gives a result or a clean error, whatever it is given.

``tests/fuzz/corpus/PARSER`` has the inputs that all others are made of; an input that was once
answered with a traceback stays there. ``FUZZ_INPUTS`` sets how many each parser is given.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.fuzz.mutate import mutated
from tests.fuzz.parsers import CLEAN, PARSERS

CORPUS = Path(__file__).with_name("corpus")
INPUTS = int(os.environ.get("FUZZ_INPUTS", "400"))
SEED = os.environ.get("FUZZ_SEED", "1")
SECONDS = float(os.environ.get("FUZZ_SECONDS", "3"))
"""After which a parser is given no more, on a slow machine."""
SLOWEST = 20.0
"""Seconds that one input may take, on a busy machine."""


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_a_parser_gives_a_result_or_a_clean_error(name: str) -> None:
    parse = PARSERS[name]
    seeds = [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    assert seeds
    end = time.monotonic() + SECONDS
    draw = random.Random(f"{SEED} {name}")
    inputs = [*seeds, *(mutated(draw, seeds) for _ in range(INPUTS))]
    for number, data in enumerate(inputs):
        start = time.monotonic()
        if start > end and number >= len(seeds):
            break
        try:
            parse(data)
        except CLEAN:
            pass
        except Exception as error:  # noqa: BLE001 (that is what is looked for)
            pytest.fail(f"{name}: {type(error).__name__}: {error}: {data[:500]!r}")
        assert time.monotonic() - start < SLOWEST, data[:500]
