from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from npm2nixlite.config import npm
from npm2nixlite.config.registry import RegistryConfig, load_registry_config
from npm2nixlite.errors import InputError


def config(**settings: str) -> RegistryConfig:
    return RegistryConfig(settings, Path())


def test_command_line_environment_project_and_user_go_in_this_order(tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    home.mkdir()
    environment = {"HOME": str(home), "PATH": ""}

    def configured(**extra: str) -> str | None:
        return load_registry_config(project, environment=environment | extra).configured

    assert configured() is None
    (home / ".npmrc").write_text("registry=https://user.example")
    assert configured() == "https://user.example/"
    (project / ".npmrc").write_text("registry = https://project.example/npm\n")
    assert configured() == "https://project.example/npm/"
    assert configured(npm_config_registry="https://env.example") == "https://env.example/"
    forced = load_registry_config(project, environment=environment, registry="https://cli.example")
    assert forced.configured == "https://cli.example/"


def test_a_scope_has_a_registry_of_its_own() -> None:
    scoped = config(**{"@s:registry": "https://scope.example/x", "registry": "https://r.example"})
    assert scoped.scope_registry("@s/a") == "https://scope.example/x/"
    assert scoped.scope_registry("@t/a") is None
    assert scoped.scope_registry("a") is None


@pytest.mark.parametrize(
    "address",
    ["registry.example", "ftp://h.example/", "https://", "https://h.example/?x", "https://h:x/"],
)
def test_what_is_no_registry_base_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="no registry base"):
        _ = config(registry=address).configured


def test_a_registry_base_with_credentials_is_refused_without_showing_them() -> None:
    with pytest.raises(InputError, match="carries credentials") as caught:
        _ = config(registry="https://user:secret@h.example/").configured
    assert "secret" not in str(caught.value)


def test_credentials_hold_for_their_address_and_below_and_nowhere_else() -> None:
    given = config(
        **{
            "//h.example/deep/:_authToken": "deep",
            "//h.example:8443/:_auth": "YWxs",
            "//u.example/:username": "me",
            "//u.example/:_password": base64.b64encode(b"secret").decode(),
        }
    )
    assert given.authorization("https://h.example/deep/a/-/a.tgz") == "Bearer deep"
    assert given.authorization("https://h.example/deeper/a.tgz") is None
    assert given.authorization("https://h.example/a.tgz") is None
    assert given.authorization("https://h.example:8443/a.tgz") == "Basic YWxs"
    assert given.authorization("https://h.example.evil.example/deep/a.tgz") is None
    expected = base64.b64encode(b"me:secret").decode()
    assert given.authorization("https://u.example/x") == f"Basic {expected}"


def test_credentials_go_over_plain_http_only_to_a_registry_that_is_configured_so() -> None:
    token = {"//h.example/:_authToken": "t"}
    assert config(**token).authorization("http://h.example/a.tgz") is None
    secure = config(**token, registry="https://h.example/")
    assert secure.authorization("http://h.example/a.tgz") is None
    plain = config(**token, registry="http://h.example/")
    assert plain.authorization("http://h.example/a.tgz") == "Bearer t"


def test_a_password_that_is_not_base_64_is_an_error_without_the_password() -> None:
    broken = config(**{"//u.example/:username": "me", "//u.example/:_password": "p"})
    with pytest.raises(InputError, match="not base 64"):
        broken.authorization("https://u.example/x")


def test_only_the_default_registry_stands_for_the_configured_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A stand-in for npm's answer: the real default must not be named here.
    monkeypatch.setattr(npm, "default_registry", lambda: "https://default.example/")
    mirror = config(registry="https://mirror.example/npm/")
    assert mirror.replacement("https://default.example/") == "https://mirror.example/npm/"
    assert mirror.replacement("https://other.example/") == "https://other.example/"
    never = config(**{"registry": "https://m.example/", "replace-registry-host": "never"})
    assert never.replacement("https://default.example/") == "https://default.example/"
    always = config(**{"registry": "https://m.example/", "replace-registry-host": "always"})
    assert always.replacement("https://other.example/") == "https://m.example/"
    host = config(**{"registry": "https://m.example/", "replace-registry-host": "o.example"})
    assert host.replacement("https://o.example/x/") == "https://m.example/"
    assert config().replacement("https://default.example/") == "https://default.example/"


@pytest.mark.npm
def test_npm_itself_is_asked_where_nothing_names_a_registry(tmp_path: Path) -> None:
    expected = subprocess.run(
        ["npm", "config", "get", "registry"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert RegistryConfig({}, tmp_path).registry == expected.rstrip("/") + "/"


def test_without_npm_and_without_a_registry_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no registry is named") as caught:
        _ = RegistryConfig({}, tmp_path).registry
    assert "--registry" in caught.value.hint
