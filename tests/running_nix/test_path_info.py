"""What the local store says of paths, in the words of any Nix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.errors import BuildError, InputError
from npm2nixlite.nix.path_info import closure, parse_path_info, store_path
from npm2nixlite.store.path import StorePath
from npm2nixlite.store.valid_path import ValidPath, references_first
from tests.support.nix import nix_elsewhere

if TYPE_CHECKING:
    from tests.support.nix import NixElsewhere

__all__ = ["nix_elsewhere"]

ONE = "/nix/store/5vpafad049f76a8rjsma1c6d9058jkyn-inner"
TWO = "/nix/store/68hpr769jnyd7g771d00ivrpcw6pvlww-outer"
DERIVER = "/nix/store/dzl13c4lddz0ra9gn5r262sdb5sc0b67-outer.drv"
BASE64 = "LKC4zplvhl2zdhm/6RAjVZMFqtgVgEL8bdsO8dQ8W2c="
NIX32 = "0rsv7kag23nvdpy4500mv2m0b4sm4c8fkgqrfsrmv1kgk77bi81c"
CA = f"text:sha256:{NIX32}"
SIGNATURE = "k-1:g4BNIescUT+cVJct1pG4Mp9BZn0lRK+yCtn1seGyJkKkOS6pyeu8qBawo4UG/lQkq13H4v667lHmLU=="


def base(path: str) -> str:
    return path.rpartition("/")[2]


FORMS: dict[str, Any] = {
    "2.8": [
        {
            "path": TWO,
            "narHash": f"sha256-{BASE64}",
            "narSize": 264,
            "references": [TWO, ONE],
            "deriver": DERIVER,
            "signatures": [SIGNATURE],
            "registrationTime": 1,
        },
        {"path": ONE, "narHash": f"sha256:{NIX32}", "narSize": 120, "references": [], "ca": CA},
    ],
    "2.19": {
        TWO: {
            "narHash": f"sha256-{BASE64}",
            "narSize": 264,
            "references": [ONE, TWO],
            "deriver": DERIVER,
            "signatures": [SIGNATURE],
            "ca": None,
            "ultimate": True,
        },
        ONE: {
            "narHash": f"sha256-{BASE64}",
            "narSize": 120,
            "references": [],
            "ca": CA,
            "deriver": None,
            "signatures": [],
        },
    },
    "version 2": {
        "version": 2,
        "storeDir": "/nix/store",
        "info": {
            base(TWO): {
                "narHash": f"sha256-{BASE64}",
                "narSize": 264,
                "references": [base(ONE), base(TWO)],
                "deriver": base(DERIVER),
                "signatures": [SIGNATURE],
                "ca": None,
            },
            base(ONE): {
                "narHash": {"algorithm": "sha256", "format": "base64", "hash": BASE64},
                "narSize": 120,
                "references": [],
                "ca": {"method": "text", "hash": f"sha256-{BASE64}"},
                "deriver": None,
                "signatures": [],
            },
        },
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    found = {str(item.store_path): item for item in parse_path_info(json.dumps(FORMS[form]))}
    one, two = found[ONE], found[TWO]
    assert (one.nar_size, one.references, one.content_address) == (120, (), CA)
    assert (one.deriver, one.signatures) == (None, ())
    assert one.nar_hash == two.nar_hash
    assert [str(path) for path in two.references] == [ONE, TWO]
    assert (str(two.deriver), two.content_address) == (DERIVER, "")
    assert two.signatures == (SIGNATURE,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "[1]",
        "[{}]",
        json.dumps([{**FORMS["2.8"][1], "narHash": "sha1-AAAA"}]),
        json.dumps({ONE: None}),
        json.dumps({"version": 9, "info": {"x": {}}}),
    ],
)
def test_what_is_of_no_known_form_is_told(text: str) -> None:
    with pytest.raises(BuildError, match="form that is not known"):
        list(parse_path_info(text))


@pytest.mark.nix
async def test_a_closure_is_told_with_what_it_needs_first(
    nix: NixElsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in nix.environment.items():
        monkeypatch.setenv(name, value)
    text = 'builtins.toFile "outer" "see ${builtins.toFile "inner" "x"}"'
    outer = nix.line("nix-instantiate", "--eval", "--read-write-mode", "--expr", text).strip('"')
    inner, found = await closure([outer])
    assert str(found.store_path) == outer
    assert found.references == (inner.store_path,)
    assert found.path == nix.file(outer)
    assert found.content_address.startswith("text:sha256:")
    with pytest.raises(InputError, match="no such path"):
        await closure([f"/nix/store/{'0' * 32}-absent"])


def test_references_come_first_whatever_the_order() -> None:
    def path(letter: str) -> StorePath:
        return StorePath(letter * 32, letter)

    def item(letter: str, references: str) -> ValidPath:
        return ValidPath(path(letter), Path(), b"", 0, tuple(map(path, references)))

    items = [item("d", "cbd"), item("b", "az"), item("a", "a"), item("c", "b")]
    for order in (items, items[::-1]):
        ordered = [one.store_path.name for one in references_first(order)]
        assert ordered == ["a", "b", "c", "d"]


def test_what_lies_in_a_store_path_counts_as_that_path(tmp_path: Path) -> None:
    store = tmp_path / "store"
    program = store / f"{'0' * 32}-x/bin/x"
    program.parent.mkdir(parents=True)
    program.touch()
    (tmp_path / "result").symlink_to(program.parents[1])
    expected = str(program.parents[1])
    for given in (program, tmp_path / "result", tmp_path / "result/bin/x", program.parents[1]):
        assert store_path(given, str(store)) == expected
    assert store_path(tmp_path, str(store)) is None
    assert store_path(store, str(store)) is None
