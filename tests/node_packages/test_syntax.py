from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npm2nixlite.node_packages.syntax import nix_attributes, nix_list, nix_name, nix_string
from tests.support.nix import Nix

PARTS = ["$", "{", "}", '"', "'", "\\", "\n", "\r", "\t", "$$", "${", "''"]
TEXT = st.lists(
    st.one_of(
        st.sampled_from(PARTS),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    )
).map("".join)


def test_strings_cannot_break_out() -> None:
    assert nix_string('"; evil = "') == r'"\"; evil = \""'
    assert nix_string("${evil}") == r'"\${evil}"'
    assert nix_string("\\${evil}") == r'"\\\${evil}"'


def test_names_are_quoted_where_they_must_be() -> None:
    assert nix_name("dev") == "dev"
    assert nix_name("node_modules/a") == '"node_modules/a"'
    assert nix_name("with") == '"with"'
    assert nix_name("1a") == '"1a"'


@pytest.mark.nix
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXT, min_size=20, max_size=60))
def test_nix_evaluates_every_string_to_itself(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        nix = Nix(Path(directory))
        assert nix.eval(nix_list([nix_string(text) for text in texts])) == texts


@pytest.mark.nix
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXT, TEXT, min_size=10))
def test_nix_evaluates_every_attribute_set_to_itself(values: dict[str, str]) -> None:
    expression = nix_attributes({name: nix_string(value) for name, value in values.items()})
    with tempfile.TemporaryDirectory() as directory:
        assert Nix(Path(directory)).eval(expression) == values
