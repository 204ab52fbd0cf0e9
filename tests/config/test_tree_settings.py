"""What a project's .npmrc says about the tree; groups as the installed npm works them out."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.config.npmrc import parse_npmrc
from npm2nixlite.config.tree_settings import TreeSettings, project_settings, tree_settings
from npm2nixlite.errors import InputError
from tests.support.projects import environment

if TYPE_CHECKING:
    from pathlib import Path


def settings(text: str) -> TreeSettings:
    return tree_settings(parse_npmrc(text, {}), ".npmrc")


def test_nothing_is_recorded_where_nothing_is_set() -> None:
    assert settings("save-exact=true\n") == TreeSettings()
    assert settings("").recorded() == {}


def test_what_changes_the_tree_is_recorded_by_npms_names() -> None:
    text = "legacy-peer-deps\nbin-links=false\nengine-strict=true\n"
    text += "omit[]=peer\nomit[]=dev\nos=darwin\n"
    assert settings(text).recorded() == {
        "bin-links": "false",
        "engine-strict": "true",
        "legacy-peer-deps": "true",
        "omit": "dev peer",
        "os": "darwin",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", False), ("0", False), ("1", True), ("", False)],
)
def test_flags_are_read_as_npm_reads_them(text: str, value: bool) -> None:
    assert settings(f"legacy-peer-deps={text}").legacy_peer_deps is value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("install-strategy=linked", "install-strategy=linked"),
        ("umask=0177", "umask=0177"),
        ("force=true", "force=true"),
        ("global=true", "global=true"),
        ("workspaces=false", "choose which workspaces"),
        ("workspace=a", "choose which workspaces"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_reason_and_what_to_do(
    text: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        settings(text)
    assert caught.value.where == (".npmrc",)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        *("install-strategy=nested", "install-strategy=shallow", "umask=027"),
        *("min-release-age=7", "ignore-scripts=true", "before=2020-01-01"),
        *("force=false", "workspaces=true"),
    ],
)
def test_what_changes_nothing_is_let_through(text: str) -> None:
    assert settings(text) == TreeSettings()


def test_explicit_permissions_are_kept_and_nonsense_is_not() -> None:
    assert settings("allow-git=root\nallow-remote=none\nallow-file=perhaps\n").allowed == {
        "git": "root",
        "remote": "none",
    }


def test_only_the_projects_own_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_legacy_peer_deps", "true")
    assert project_settings(tmp_path) == TreeSettings()
    (tmp_path / ".npmrc").write_text("omit=optional\n")
    assert project_settings(tmp_path).omit == ("optional",)


@pytest.mark.npm
@pytest.mark.parametrize(
    "text",
    [
        "omit=dev",
        "omit[]=dev\nomit[]=optional\ninclude[]=dev",
        "production=true",
        "production=true\ninclude=dev",
        "production=false\nomit=dev",
        "only=prod",
        "also=dev\nomit=dev",
        "optional=false",
        "optional=true\nomit=optional",
    ],
)
def test_groups_are_npms(home: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / ".npmrc").write_text(text)
    code = """
      const Config = require(process.argv[1] + '/node_modules/@npmcli/config')
      const d = require(process.argv[1] + '/node_modules/@npmcli/config/lib/definitions')
      const config = new Config({ ...d, npmPath: process.argv[1], argv: ['node', 'npm'] })
      config.load().then(() => console.log(JSON.stringify(config.flat.omit)))
    """
    root = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=True)
    done = subprocess.run(
        ["node", "-e", code, f"{root.stdout.strip()}/npm"],
        cwd=tmp_path,
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(settings(text).omit) == sorted(json.loads(done.stdout)), done.stderr
