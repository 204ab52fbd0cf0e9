from __future__ import annotations

from typing import Any

import pytest

from npm2nixlite.assemble.platform import Platform

LINUX = Platform("linux", "x64", "glibc", node="20.1.0", npm="10.9.4")


@pytest.mark.parametrize(
    ("listed", "fits"),
    [
        (["linux"], True),
        ("linux", True),
        (["darwin"], False),
        (["!darwin", "!win32"], True),
        (["!linux"], False),
        (["darwin", "!linux"], False),
        (["any"], True),
        ([], True),  # as npm has it: none of the names is refused
        ("", True),
        (None, True),
    ],
)
def test_a_list_of_names_allows_or_refuses(listed: Any, fits: bool) -> None:
    assert LINUX.fits({"os": listed}) is fits


def test_each_of_os_cpu_and_libc_has_to_fit() -> None:
    assert LINUX.fits({"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]})
    assert not LINUX.fits({"cpu": ["arm64"]})
    assert not LINUX.fits({"libc": ["musl"]})


def test_where_there_is_no_libc_any_demand_for_one_is_refused() -> None:
    for listed in (["glibc"], []):
        assert not Platform("darwin", "arm64").fits({"libc": listed})


def test_engines_are_judged_by_both_versions_where_these_are_known() -> None:
    assert LINUX.runs({"engines": {"node": ">=18", "npm": "10.x"}})
    assert not LINUX.runs({"engines": {"node": ">=22"}})
    assert not LINUX.runs({"engines": {"npm": ">=11"}})
    assert Platform("linux", "x64").runs({"engines": {"node": ">=99", "npm": ">=99"}})
    assert LINUX.runs({"engines": ["node >= 99"]})
