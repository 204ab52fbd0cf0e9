from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from npm2nixlite.node_packages.syntax import (
    NotPlainError,
    Value,
    nix_attributes,
    nix_list,
    nix_name,
    nix_string,
    read_attributes,
)
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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("a = 1;", {"a": 1}),
        ("a = 0; b = 999999999;", {"a": 0, "b": 999999999}),
        ("a = true; b = false; c = null;", {"a": True, "b": False, "c": None}),
        ('"a b" = "x";', {"a b": "x"}),
        ('"with" = "x";', {"with": "x"}),
        ("a'b-c_D1 = [ ];", {"a'b-c_D1": ()}),
        ('a = [ "x" [ 1 ] { b = true; } ];', {"a": ("x", (1,), {"b": True})}),
        ("a = { }; b = { c = { d = 1; }; };", {"a": {}, "b": {"c": {"d": 1}}}),
        ("a=1;\n  b\n = 2 ;", {"a": 1, "b": 2}),
        (r'a = "\" \\ \n \r \t \${x} $x $";', {"a": '" \\ \n \r \t ${x} $x $'}),
        ('a = "\u2028é#*/";', {"a": "\u2028é#*/"}),
        ("a = " + "[ " * 8 + "]" * 8 + ";", {"a": ((((((((),),),),),),),)}),
    ],
)
def test_plain_values_are_read(text: str, value: dict[str, Value]) -> None:
    assert read_attributes(text) == value


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("a = x;", 4),
        ("a = ${x};", 4),
        ('a = "${x}";', 4),
        ('a = "$${x}";', 4),
        (r'a = "\x";', 4),
        ('a = "x', 4),
        ('a = "x\ny";', 4),
        ('a = "x\0y";', 4),
        ("a = ''x'';", 4),
        ("a = 01;", 5),
        ("a = 1000000000;", 13),
        ("a = -1;", 4),
        ("a = 1", 5),
        ("a = 1 b = 2;", 6),
        ("a 1;", 2),
        ("a", 1),
        ("a =", 3),
        ("a = ;", 4),
        ("a = [", 5),
        ("a = [ 1", 7),
        ("a = [ 1; ];", 7),
        ("a = {", 4),
        ("a = { b = 1;", 4),
        ("a = { b = 1; ;", 13),
        ("a = 1; a = 1;", 7),
        ('a = 1; "a" = 1;', 7),
        ("with = 1;", 0),
        ("1 = 1;", 0),
        ("= 1;", 0),
        ("a = 1; }", 8),
        ("a.b = 1;", 1),
        ("inherit a;", 0),
        ("a = 1; # x", 7),
        ("a = " + "[ " * 9 + "]" * 9 + ";", 20),
    ],
)
def test_what_is_evaluated_or_malformed_is_no_plain_value(text: str, position: int) -> None:
    with pytest.raises(NotPlainError) as caught:
        read_attributes(text)
    assert caught.value.position == position
    assert str(position) in str(caught.value)


@given(st.dictionaries(TEXT, st.one_of(TEXT, st.lists(TEXT))))
def test_what_is_written_is_read_back(values: dict[str, str | list[str]]) -> None:
    text = nix_attributes(
        {
            name: nix_string(value)
            if isinstance(value, str)
            else nix_list([*map(nix_string, value)])
            for name, value in values.items()
        }
    )
    read = read_attributes(text.removeprefix("{").removesuffix("}"))
    assert read == {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


def test_lists_and_sets_stand_on_one_line() -> None:
    assert nix_list([]) == "[ ]"
    assert nix_list(["1", "2"]) == "[ 1 2 ]"
    assert nix_attributes({}) == "{ }"
    assert nix_attributes({"a": "1", "b c": "2"}) == '{ a = 1; "b c" = 2; }'
