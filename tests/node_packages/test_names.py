from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npm2nixlite.node_packages.names import OUTPUT_NAME, store_name


@pytest.mark.parametrize(
    ("address", "name", "given_explicitly"),
    [
        ("@s/a/-/a-1.0.0.tgz", "a-1.0.0.tgz", False),
        ("https://h.example/a.tgz?x=1", "a.tgz?x=1", False),
        ("https://h.example/a.tgz?x=1&y=2", "a.tgz", True),
        ("https://h.example/x/.hidden.tgz", "hidden.tgz", True),
        ("https://h.example/tar.gz/", "tar.gz", True),
        ("https://h.example/?download", "?download", False),
        ("https://h.example/a%20b.tgz", "a-20b.tgz", True),
        (f"https://h.example/{'x' * 300}.tgz", "x" * 207, True),
        (f"https://h.example/{'x' * 207}", "x" * 207, False),
        (f"https://h.example/{'x' * 208}", "x" * 207, True),
        ("https://h.example/a&.tgz#b/c&", "a-.tgz", True),
        ("https://h.example/a.tgz/?b#c&", "a.tgz", True),
        ("https://h.example/...", "source.tgz", True),
        ("https://h.example/.&", "-", True),
        ("a@b~c.tgz", "a-b-c.tgz", True),
        ("a=b?c_d+e-f.tgz", "a=b?c_d+e-f.tgz", False),
    ],
)
def test_the_base_name_is_taken_where_it_is_a_valid_one(
    address: str, name: str, given_explicitly: bool
) -> None:
    assert store_name(address) == (name, given_explicitly)


@given(st.text())
def test_every_address_gets_a_valid_name(address: str) -> None:
    name, _ = store_name(f"https://h.example/{address}")
    assert re.fullmatch(r"[0-9A-Za-z+_?=-][0-9A-Za-z+._?=-]{0,206}", name)


def test_the_generated_file_is_called_so() -> None:
    assert OUTPUT_NAME == "node-packages.nix"
