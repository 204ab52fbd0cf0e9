from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from npm2nixlite.assemble.manifest import parse_manifest
from npm2nixlite.assemble.npm_version import LATEST, npm_version, rules_of
from npm2nixlite.errors import BuildError


def node_prefix(directory: Path, version: str, name: str = "npm") -> Path:
    """A Node.js as it installs itself: ``bin/npm`` is a link into npm's own directory."""
    npm = directory / "lib/node_modules/npm"
    (npm / "bin").mkdir(parents=True)
    (npm / "package.json").write_text(json.dumps({"name": name, "version": version}))
    (npm / "bin/npm-cli.js").write_text("")
    (npm / "bin/package.json").write_text('{"type": "commonjs"}')
    (directory / "bin").mkdir()
    (directory / "bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    return directory


def test_the_version_is_the_one_of_the_npm_that_bin_leads_to(tmp_path: Path) -> None:
    assert npm_version(node_prefix(tmp_path, "10.9.4")) == "10.9.4"


@pytest.mark.npm
def test_the_installed_npm_is_found() -> None:
    found = shutil.which("npm")
    assert found
    assert rules_of(npm_version(Path(found).parent.parent))


def test_without_an_npm_the_error_says_how_to_name_one(tmp_path: Path) -> None:
    for prefix in (tmp_path, node_prefix(tmp_path / "other", "1.0.0", name="pnpm")):
        with pytest.raises(BuildError) as error:
            npm_version(prefix)
        assert "npmVersion" in error.value.hint


def test_a_manifest_takes_npm_from_its_nodejs_unless_it_names_one(tmp_path: Path) -> None:
    nodejs = str(node_prefix(tmp_path, "10.9.4"))
    assert parse_manifest({"packages": {}, "nodejs": nodejs}).platform.npm == "10.9.4"
    given = parse_manifest({"packages": {}, "nodejs": nodejs, "npm": "12.0.0"})
    assert given.platform.npm == "12.0.0"
    assert parse_manifest({"packages": {}}).platform.npm is None


@pytest.mark.parametrize(
    ("field", "before", "since"),
    [
        ("believes_flags", "11.11.0", "11.11.1"),
        ("walks_once", "11.6.2", "11.6.3"),
        ("leaves_out_late", "11.6.1", "11.6.2"),
        ("counts_inert", "11.12.1", "11.13.0"),
        ("notes_stale", "11.14.1", "11.15.0"),
        ("reads_shrinkwraps", "11.21.2", "12.0.0"),
        ("links_overwrite", "11.17.0", "11.18.0"),
    ],
)
def test_a_rule_ends_with_the_version_that_changed_it(field: str, before: str, since: str) -> None:
    assert getattr(rules_of(before), field) is True
    assert getattr(rules_of(since), field) is False


def test_a_rule_begins_with_the_version_that_brought_it() -> None:
    assert not rules_of("11.10.1").notes_libc
    assert rules_of("11.11.0").notes_libc
    assert not rules_of("11.6.2").links_overwrite
    assert rules_of("11.6.3").links_overwrite


def test_prereleases_count_as_their_release_and_no_version_as_the_latest() -> None:
    assert rules_of("12.0.0-pre.1") == rules_of("12.0.0") == rules_of(None) == LATEST
