"""What a fleet does every day with ``push``: hooks, watching, several caches, an upstream."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.binarycache.closures import build
from tests.binarycache.places import free_port, nginx
from tests.cli.caches import Project
from tests.support.nix import NixElsewhere
from tests.support.projects import PROGRAM, ROOT, environment

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nix


@pytest.fixture
def nix(tmp_path: Path) -> NixElsewhere:
    return NixElsewhere(tmp_path / "first")


@pytest.fixture
def project(home: Path) -> Project:
    """A home without any project."""
    return Project(home, home, [])


def narinfos(cache: Path) -> set[str]:
    return {file.stem for file in cache.glob("*.narinfo")}


def test_what_upstream_has_and_the_fleet_trusts_is_not_sent(
    project: Project, nix: NixElsewhere, tmp_path: Path
) -> None:
    outer = build(nix, tmp_path)
    requisites = nix("nix-store", "--query", "--requisites", outer).decode().split()
    upstream, cache = f"file://{tmp_path}/upstream", f"file://{tmp_path}/cache"
    key = tmp_path / "key"
    key.write_bytes(nix("nix", "key", "generate-secret", "--key-name", "up-1"))
    public = nix.line("sh", "-c", f"nix key convert-secret-to-public < {key}")
    below = [path for path in requisites if path != outer]
    run = project.run("push", "--to", upstream, *below, **nix.environment)
    assert run.status == 0, run.stderr
    to: tuple[str, ...] = ("--to", cache, "--upstream", upstream)
    assert "--upstream-key" in project.run("push", *to, outer, **nix.environment).stderr
    to += ("--upstream-key", public)
    run = project.run("push", *to, outer, "--json", **nix.environment)
    [store] = run.json["stores"]  # what is addressed by its content needs no signature
    assert (store["closures"]["sent"], store["closures"]["upstream"]) == (1, 2)
    assert narinfos(tmp_path / "cache") == {outer[11:43]}
    other = build(nix, tmp_path, salt="other")
    project.run("push", "--to", upstream, other, **nix.environment)
    dry = project.run("push", *to, other, "--dry-run", **nix.environment)
    assert "1 to send, 0 to amend, 2 upstream, 0 there already" in dry.stdout  # nobody signed it
    project.run("push", "--to", upstream, "--key-file", key, other, **nix.environment)
    run = project.run("push", *to, other, **nix.environment)
    assert "0 sent (0 B), 3 upstream" in run.stdout
    both = f"substituters = {cache} {upstream}"
    second = nix.elsewhere(tmp_path / "second").with_config(both, "require-sigs = false")
    second("nix-store", "--realise", outer, other)


def test_several_caches_in_one_run_and_one_that_fails_does_not_stop_the_others(
    project: Project, nix: NixElsewhere, tmp_path: Path
) -> None:
    outer = build(nix, tmp_path)
    down = f"http://127.0.0.1:{free_port()}"
    caches = [f"file://{tmp_path}/one", down, f"file://{tmp_path}/two"]
    to = [word for cache in caches for word in ("--to", cache)]
    run = project.run("push", *to, f"{outer}", **nix.environment)
    assert run.status == 4
    assert down in run.stderr
    for cache in (caches[0], caches[2]):
        assert f"{cache}: 3 store paths: 3 sent" in run.stdout
        nix("nix", "store", "verify", "--no-trust", "--store", cache, outer)
    run = project.run("push", *to, outer, "--json", **nix.environment)
    assert run.status == 4
    assert [bool(store["error"]) for store in run.json["stores"]] == [False, True, False]


def test_a_hook_after_each_build_pushes_what_was_built(
    project: Project, nix: NixElsewhere, tmp_path: Path
) -> None:
    """As the documentation has it, but for the addresses and where the program is."""
    text = (ROOT / "docs/binary-cache.md").read_text()
    script = text.partition("<!-- hook -->\n```bash\n")[2].partition("```")[0]
    assert script.startswith("#!")
    program = tmp_path / "npm2nixlite"
    settings = environment(project.home, **nix.environment)
    exports = "".join(
        f"export {name}='{settings[name]}'\n"
        for name in (*nix.environment, "HOME", "PYTHONPATH", "PATH")
    )
    program.write_text(f'#!/bin/sh\n{exports}exec {PROGRAM[0]} -m npm2nixlite "$@"\n')
    hook = tmp_path / "hook"
    hook.write_text(
        script.replace("https://cache.example", f"file://{tmp_path}/cache")
        .replace("--key-file /etc/nix/cache.example-1.secret", "")
        .replace("npm2nixlite", str(program))
    )
    for file in (program, hook):
        file.chmod(0o755)
    built = build(nix.with_config(f"post-build-hook = {hook}"), tmp_path)
    assert built[11:43] in narinfos(tmp_path / "cache")
    nix("nix", "store", "verify", "--no-trust", "--store", f"file://{tmp_path}/cache", built)


def test_a_watch_pushes_what_appears_tries_again_and_ends_when_it_is_told_to(
    project: Project, nix: NixElsewhere, tmp_path: Path
) -> None:
    before = build(nix, tmp_path, salt="before")
    port = free_port()
    cache = ("--to", f"http://127.0.0.1:{port}", "--retries", "0")
    watch = subprocess.Popen(
        [*PROGRAM, "push", *cache, "--watch"],
        env=environment(project.home, **nix.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "watching /nix/store\n"
        after = build(nix, tmp_path, salt="after")
        assert watch.stderr is not None
        assert "no connection" in watch.stderr.readline()
        with nginx(tmp_path / "server", port=port):
            www = tmp_path / "server/www"
            deadline = time.monotonic() + 90
            while after[11:43] not in narinfos(www) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert after[11:43] in narinfos(www)
            assert before[11:43] not in narinfos(www)
            watch.send_signal(signal.SIGTERM)
            said, _ = watch.communicate(timeout=60)
        assert watch.returncode == 0
        assert said.endswith("0 given up\n")
    finally:
        watch.kill()
        watch.wait()
