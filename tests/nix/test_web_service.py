"""The demo: built by buildNpmProject in the sandbox, started, and asked over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.support.nix import HOST_TOOLS, Nix, NixElsewhere
from tests.support.projects import ROOT, run_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = [pytest.mark.nix, pytest.mark.npm, pytest.mark.registry]

PROJECT = ROOT / "fixtures/web-service"


def build(nix: Nix, registry: str) -> Path:
    from pathlib import Path

    done = nix.run(
        "nix-build", *HOST_TOOLS, "--no-out-link", PROJECT / "default.nix",
        "--arg", "pkgs", f'import {ROOT}/tests/nix/toolchain.nix {{ nodeVersion = "20.0.0"; }}',
        "--argstr", "registry", registry,
    )  # fmt: skip
    return Path(done.stdout.strip())


@pytest.fixture
def service(nix: Nix, public_registry: str) -> Iterator[str]:
    """The built service, running; its address."""
    with subprocess.Popen(
        [build(nix, public_registry) / "bin/web-service"],
        env={**os.environ, "PORT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().split()[-1]}"
        finally:
            process.terminate()


def ask(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        content: bytes = answer.read()
    return content.decode()


def test_it_is_built_started_and_answers(service: str) -> None:
    greeting = json.loads(ask(f"{service}/api/greeting?name=Nix"))
    assert greeting == {"greeting": "Hello, Nix!"}  # the local dependency
    assert isinstance(json.loads(ask(f"{service}/api/attributes"))["attributes"], list)  # add-on
    page = ask(service)
    script = page.partition('src="')[2].partition('"')[0]
    assert script.startswith("/assets/")
    assert "/api/greeting" in ask(service + script)  # what the bundler made of the front end


def test_a_second_empty_store_builds_it_from_a_cache_with_the_registry_out_of_reach(
    home: Path, tmp_path: Path, public_registry: str
) -> None:
    cache = f"file://{tmp_path}/cache"
    pushed = run_program("push", "--to", cache, PROJECT, "--registry", public_registry, home=home)
    assert pushed.status == 0, pushed.stderr
    second = NixElsewhere(tmp_path / "second").with_config(f"substituters = {cache}")
    built = build(second, "http://127.0.0.1:9/")
    assert (second.file(built) / "lib/node_modules/web-service/dist/server.js").is_file()


def test_its_generated_file_is_up_to_date(home: Path, public_registry: str) -> None:
    run = run_program("generate", "--check", PROJECT, "--registry", public_registry, home=home)
    assert run.status == 0, run.stdout + run.stderr
