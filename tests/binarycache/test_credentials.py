"""Credentials, and where they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from npm2nixlite.binarycache.credentials import Credentials, from_netrc, netrc_files
from npm2nixlite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_netrc_that_knows_the_host_counts(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("machine other.example login a password b\n")
    (tmp_path / "two").write_text(
        "machine cache.example login me password it\nmachine x login y password z\n"
    )
    (tmp_path / "three").write_text("machine cache.example login not password this\n")
    files = [tmp_path / "none", tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    found = from_netrc("cache.example", iter(files))
    assert found == Credentials.basic("me", "it")
    assert from_netrc("cache.example.org", iter(files)) is None


def test_a_malformed_netrc_is_named_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine a login me password it\nsecret nonsense\n")
    with pytest.raises(InputError, match="malformed in line 2") as caught:
        from_netrc("a", iter([tmp_path / "netrc"]))
    assert "nonsense" not in str(caught.value)


def test_netrc_names_the_first_file_to_look_at(tmp_path: Path) -> None:
    assert next(netrc_files({"NETRC": str(tmp_path / "x")})) == tmp_path / "x"
    assert next(netrc_files({})).name == ".netrc"


def test_a_token_with_a_line_break_is_refused_without_being_shown() -> None:
    with pytest.raises(InputError) as caught:
        Credentials.bearer("secret\nX-Header: x")
    assert "secret" not in str(caught.value)


def test_credentials_are_not_in_their_representation() -> None:
    assert "t0ken" not in repr(Credentials.bearer("t0ken"))
