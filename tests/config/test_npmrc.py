from __future__ import annotations

from pathlib import Path

import pytest

from npm2nixlite.config.npmrc import environment_settings, npmrc_files, parse_npmrc


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("key=plain", "plain"),
        ("  key =  spaced  ", "spaced"),
        ('key="quoted ; not a comment"', "quoted ; not a comment"),
        ("key='single # quoted'", "single # quoted"),
        ("key=value ; a comment", "value"),
        ("key=value # a comment", "value"),
        (r"key=a\;b", "a;b"),
        ("key", "true"),
        ("key=a=b", "a=b"),
        ("key=${SET}/x", "from the environment/x"),
        ("key=${UNSET}", "${UNSET}"),
        ("key=${UNSET?}", ""),
        ("key=${SET?}", "from the environment"),
        ("key[]=first\nkey[]=last", "first\nlast"),
    ],
)
def test_values_are_read_as_npm_reads_them(line: str, value: str) -> None:
    settings = parse_npmrc(f"; first\n# second\n\n{line}\n", {"SET": "from the environment"})
    assert settings == {"key": value}


def test_a_key_may_hold_a_variable_too() -> None:
    assert parse_npmrc("//${HOST}/:_authToken=t", {"HOST": "h.example"}) == {
        "//h.example/:_authToken": "t"
    }


def test_keys_in_a_section_are_no_settings() -> None:
    assert parse_npmrc("a=1\n[section]\nb=2", {}) == {"a": "1"}


def test_environment_variables_are_settings_in_any_case() -> None:
    assert environment_settings(
        {
            "npm_config_registry": "https://registry.example/",
            "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",
            "npm_config_//h.example/:_authToken": "t",
            "npm_config_empty": "",
            "OTHER": "x",
        }
    ) == {
        "registry": "https://registry.example/",
        "omit-lockfile-registry-resolved": "true",
        "//h.example/:_authToken": "t",
    }


def test_project_user_and_global_files_come_in_this_order() -> None:
    environment = {"HOME": "/home/x", "npm_config_prefix": "/opt/node", "PATH": ""}
    assert npmrc_files(Path("/p"), environment, None) == (
        Path("/p/.npmrc"),
        Path("/home/x/.npmrc"),
        Path("/opt/node/etc/npmrc"),
    )
    environment |= {"npm_config_userconfig": "/u", "npm_config_globalconfig": "/g"}
    assert npmrc_files(Path("/p"), environment, None)[1:] == (Path("/u"), Path("/g"))
    assert npmrc_files(Path("/p"), environment, Path("/given"))[1] == Path("/given")
