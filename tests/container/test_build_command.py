"""``npm2nixlite build``: which of the two builds runs, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import locked, run_program, write_lock
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.container_host import Yard
    from tests.support.nix import Nix
    from tests.support.projects import Run
    from tests.support.registry import Registry

pytestmark = [
    pytest.mark.container,
    pytest.mark.nix,
    pytest.mark.parametrize("runner", ["bwrap"], indirect=True),
]

_OUTSIDE = ("../beside/node_modules/one", "../beside/node_modules/two")
"""Install paths that no derivation of the project can fill."""


def build(yard: Yard, nix: Nix, *options: str | Path) -> Run:
    script = yard.script("echo built >answer.txt\n")
    command = ("build", yard.source, "--name=web-site", f"--out-link={yard.root / 'result'}")
    return yard.program(*command, script, *options, **nix.environment)


@pytest.fixture
def canonical(yard: Yard, registry: Registry) -> list[str]:
    """The options that build a project's sources, from a registry on loopback."""
    entry = locked(integrity=sri(registry.publish("left")))
    write_lock(yard.source, {"node_modules/left": entry})
    # Everything below the source counts for the container build's hash; this is beside it.
    output = yard.root / "node-packages.nix"
    command = ("generate", yard.source, "-o", output, "--registry", registry.base)
    run = run_program(*command, "--cache-dir", yard.root / "cache", home=yard.root)
    assert run.status == 0, run.stderr
    return ["--file", str(output), "-A", "sources", "--argstr", "registry", registry.base]


def test_a_lock_without_blockers_is_built_canonically(
    yard: Yard, nix: Nix, canonical: list[str]
) -> None:
    run = build(yard, nix, *canonical)
    assert run.status == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "ran: canonical (the lock has no blocker)"
    assert str((yard.root / "result").readlink()) in run.stdout
    assert not yard.current.exists()

    fields = build(yard, nix, *canonical, "--json").json
    assert fields["ran"] == "canonical"
    assert fields["blockers"] == []
    assert [Path(path).name.partition("-")[2] for path in fields["results"]] == ["left-1.0.0.tgz"]


def test_a_lock_with_blockers_is_built_in_a_container(yard: Yard, nix: Nix) -> None:
    entries = {path: locked(integrity=sri(b"no bytes")) for path in _OUTSIDE}
    beside = {
        "node_modules/beside": {"resolved": "../beside", "link": True},
        "../beside": {"name": "beside", "version": "1.0.0"},
    }
    write_lock(yard.source, {**beside, **entries})
    run = build(yard, nix)
    assert run.status == 0, run.stderr
    assert f"not canonical: {_OUTSIDE[0]}: " in run.stderr
    assert run.stdout.splitlines()[-1] == "ran: container (the lock has 2 blockers)"
    assert yard.answer() == "built"

    fields = build(yard, nix, "--json").json
    assert fields["ran"] == "container"
    assert [blocker["path"] for blocker in fields["blockers"]] == list(_OUTSIDE)
    assert fields["containerBuild"]["action"] == "nothing"
    assert fields["results"] == [str(yard.current)]


def test_blockers_that_only_the_generated_file_tells_count_while_it_is_up_to_date(
    yard: Yard, nix: Nix, canonical: list[str]
) -> None:
    reason = 'git dependency: it runs \\"prepare\\"'
    blocker = f'    {{ path = "node_modules/left"; reason = "{reason}"; }}'
    text = (yard.root / "node-packages.nix").read_text()
    marked = text.replace("blockers = [ ];", f"blockers = [\n{blocker}\n  ];")
    marked = marked.replace("canonical = true;", "canonical = false;")
    assert marked.count("\n") == text.count("\n") + 2
    (yard.source / "node-packages.nix").write_text(marked)
    fields = build(yard, nix, *canonical, "--json").json
    assert fields["ran"] == "container"
    expected = {"path": "node_modules/left", "reason": 'git dependency: it runs "prepare"'}
    assert fields["blockers"] == [expected]

    lock = yard.source / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    assert build(yard, nix, *canonical, "--json").json["ran"] == "canonical"


def test_a_canonical_build_that_fails_is_an_error(
    yard: Yard, nix: Nix, registry: Registry, canonical: list[str]
) -> None:
    registry.answers.clear()
    run = build(yard, nix, *canonical, "--json")
    assert run.status == 4
    assert "nix-build ended with status" in run.json["error"]["what"]
    assert "--fallback" in run.json["error"]["hint"]
    assert not yard.current.exists()


def test_a_canonical_build_that_fails_falls_back_where_that_is_asked_for(
    yard: Yard, nix: Nix, registry: Registry, canonical: list[str]
) -> None:
    registry.answers.clear()
    run = build(yard, nix, *canonical, "--fallback")
    assert run.status == 0, run.stderr
    last = run.stdout.splitlines()[-1]
    assert last.startswith("ran: container (the canonical build failed: nix-build ended")
    assert yard.answer() == "built"


def test_without_a_nix_expression_there_is_nothing_to_build_canonically(
    yard: Yard, nix: Nix
) -> None:
    write_lock(yard.source, {})
    run = build(yard, nix)
    assert run.status == 2
    assert "there is no Nix expression" in run.stderr
    run = build(yard, nix, "--fallback", "--json")
    assert run.status == 0, run.stderr
    assert json.loads(run.stdout)["ran"] == "container"


@pytest.mark.usefixtures("canonical")
def test_an_expression_that_cannot_be_evaluated_starts_no_container(yard: Yard, nix: Nix) -> None:
    typo = yard.root / "typo.nix"
    typo.write_text("{ }: nonesuch")
    for file, status in ((typo, 2), (yard.root / "missing.nix", 2)):
        run = build(yard, nix, "--file", file, "--fallback")
        assert run.status == status
        assert not yard.log.exists()


def test_arguments_may_be_expressions(yard: Yard, nix: Nix, canonical: list[str]) -> None:
    file = yard.root / "sources.nix"
    file.write_text("{ sources, number }: assert number == 3; sources")
    sources = f'(import {canonical[1]} {{ registry = "{canonical[-1]}"; }}).sources'
    run = build(yard, nix, "--file", file, "--arg", "sources", sources, "--arg", "number", "1 + 2")
    assert run.status == 0, run.stderr
