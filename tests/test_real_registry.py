"""Fixtures against the registry that npm is configured for; skipped where it is out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.projects import ROOT, run_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nix import Nix

pytestmark = [pytest.mark.npm, pytest.mark.registry]

SMALL = (
    "alias",
    "bundled",
    "bundled-by-root",
    "groups",
    "link",
    "link-outside",
    "no-integrity",
    "platform-optional",
    "scoped",
    "several-integrities",
    "sha1-only",
    "shrinkwrap",
    "v1-nesting",
    "workspace",
)


def project(name: str) -> Path:
    return ROOT / "fixtures" / name


@pytest.mark.nix
def test_the_small_fixtures_are_translated_and_nix_builds_their_sources(
    home: Path, nix: Nix, public_registry: str
) -> None:
    for name in SMALL:
        output = home / f"{name}.nix"
        command = ("generate", project(name), "-o", output, "--cache-dir", home / "cache")
        run = run_program(*command, "--json", "--registry", public_registry, home=home)
        assert run.status == 0, run.stderr
        assert run.json["projects"][0]["canonical"]
        expected = run.json["projects"][0]["tarballs"]
        built = nix.run(
            *("nix-build", "--no-out-link", output, "-A", "sources"),
            *("--argstr", "registry", public_registry),
        ).stdout.split()
        assert len(set(built)) == expected


def test_npm_is_asked_for_the_registry_where_nothing_else_names_it(
    home: Path, public_registry: str
) -> None:
    assert public_registry
    output = home / "out.nix"
    run = run_program("generate", project("scoped"), "-o", output, home=home)
    assert run.status == 0, run.stderr
    assert public_registry not in output.read_text()


def test_hashes_that_a_lock_omits_come_from_the_registry(home: Path, public_registry: str) -> None:
    command = ("generate", project("no-integrity"), "-o", home / "out.nix", "--json")
    run = run_program(*command, "--registry", public_registry, home=home)
    assert run.status == 0, run.stderr
    assert len(run.json["fetch"]["hashFromRegistry"]) == 3


def test_a_project_of_mempools_size_is_translated_and_a_warm_run_needs_no_network(
    home: Path, nix: Nix, public_registry: str
) -> None:
    output = home / "out.nix"
    command = ("generate", project("explorer-frontend"), "-o", output, "--json")
    cold = run_program(*command, "--registry", public_registry, home=home)
    assert cold.status == 0, cold.stderr
    assert cold.json["fetch"]["fetched"] == 1241
    warm = run_program(*command, "--registry", "http://127.0.0.1:9/", "--check", home=home)
    assert warm.status == 0, warm.stderr
    assert warm.json["fetch"]["fromCache"] == 1241
    assert nix.eval(f'builtins.length (import {output} {{ registry = "x"; }}).sources') == 1241
