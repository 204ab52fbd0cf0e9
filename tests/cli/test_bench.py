"""The command as its users run it: what it says before, what it asks for, and what it tells."""

from __future__ import annotations

import errno
import hashlib
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from npm2nixlite.messages import human_bytes
from tests.support.projects import PROGRAM, Run, environment, locked, run_program, write_lock
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registry import Registry

FIRST = 4  # connections, one for each process at most: closed before the others are opened


def publish(registry: Registry, *names: str, size: int = 0) -> dict[str, Any]:
    """Publish packages; returns a lock's entries for them."""
    return {
        f"node_modules/{name}": locked(integrity=sri(registry.publish(name, size=size)))
        for name in names
    }


@pytest.fixture
def project(home: Path, registry: Registry) -> Path:
    """A hundred tarballs, so that several processes fetch them, at two paths each."""
    entries = publish(registry, *(f"p{number}" for number in range(99)))
    entries |= publish(registry, "@s/large", size=700_000)
    twice = {path.replace("node_modules/", "node_modules/x/node_modules/"): entry
             for path, entry in entries.items()}  # fmt: skip
    write_lock(home / "project", {**entries, **twice})
    return home / "project"


def bench(home: Path, registry: Registry, *arguments: str | Path, **env: str) -> Run:
    return run_program(
        *("bench", "--registry", registry.base, "--retries", "0", "--runs", "1"),
        *arguments,
        home=home,
        **env,
    )


def on_terminal(home: Path, answer: str, *arguments: str | Path) -> Run:
    """The same with a terminal for stdin and stderr, on which ``answer`` is typed."""
    master, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "npm2nixlite", "bench", *map(str, arguments)],
        cwd=home,
        env=environment(home),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        encoding="utf-8",
    ) as process:
        os.close(terminal)
        os.write(master, answer.encode())
        stdout, _ = process.communicate(timeout=120)
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:
        pass  # how a terminal ends on Linux
    os.close(master)
    return Run(process.returncode, stdout, shown.decode())


def host(registry: Registry) -> str:
    return registry.base.removeprefix("http://").rstrip("/")


def fake_curl(directory: Path, fetch: str) -> Path:
    """A curl whose fetching is a shell's words; returns what to put on PATH."""
    curl = directory / "bin/curl"
    curl.parent.mkdir()
    curl.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo curl 8.0\n{fetch}\n')
    curl.chmod(0o755)
    return curl.parent


def kept(home: Path) -> list[str]:
    """Every file that a run left in the home, but its lock of the partial downloads."""
    files = (path for path in home.rglob("*") if path.is_file())
    return sorted(path.name for path in files if path.parts[-2:] != ("partial", "lock"))


def test_the_registry_is_asked_once_for_each_tarball(
    home: Path, project: Path, registry: Registry
) -> None:
    before = kept(home)
    run = bench(home, registry, project, "--yes", "--runs", "2")
    assert run.status == 0, run.stderr
    assert len(registry.requests) == 100
    assert len(set(registry.paths())) == 100
    assert registry.connections <= 64 + FIRST
    assert f"100 tarballs from {host(registry)}" in run.stdout
    assert "how many bytes is not known" in run.stdout
    for row in ("over the network", "hash alone", "write alone", "from loopback"):
        assert row in run.stdout
    assert kept(home) == before


def test_what_a_cache_has_is_not_fetched_and_what_comes_stays_there(
    home: Path, project: Path, registry: Registry
) -> None:
    assert bench(home, registry, project, "--yes", "--cache-dir", home / "kept").status == 0
    asked, connections = len(registry.requests), registry.connections
    again = bench(home, registry, project, "--cache-dir", home / "kept")  # and no question
    assert again.status == 0, again.stderr
    assert "nothing to download" in again.stdout
    assert "over the network" not in again.stdout
    assert "from loopback" in again.stdout
    assert (len(registry.requests), registry.connections) == (asked, connections)
    done = run_program(
        *("generate", project, "--offline", "--cache-dir", home / "kept"),
        *("--registry", registry.base),
        home=home,
    )
    assert done.status == 0, done.stderr


def test_sizes_are_said_where_the_download_cache_knows_them(
    home: Path, project: Path, registry: Registry
) -> None:
    one = home / "one"
    write_lock(one, publish(registry, "@s/large", size=700_000))
    command = ("generate", one, "--registry", registry.base)
    assert run_program(*command, home=home).status == 0
    answer = registry.answers["/@s/large/-/large-1.0.0.tgz"]
    assert isinstance(answer, Answer)
    size = human_bytes(len(answer.body))
    whole = bench(home, registry, one, "--yes")
    assert f"{size}, by what the download cache has" in whole.stdout
    part = bench(home, registry, project, "--yes")
    assert f"more than {size}: of 99 the size is not known" in part.stdout


def test_without_a_terminal_and_without_yes_nothing_is_downloaded(
    home: Path, project: Path, registry: Registry
) -> None:
    run = bench(home, registry, project)
    assert run.status == 2
    assert f"downloads 100 tarballs from {host(registry)}" in run.stderr
    assert "--yes" in run.stderr
    assert registry.connections == 0


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_who_declines_downloads_nothing(
    home: Path, project: Path, registry: Registry, answer: str
) -> None:
    before = kept(home)
    run = on_terminal(home, answer, project, "--registry", registry.base, "-q")
    assert run.status == 130
    assert f"100 tarballs from {host(registry)}" in run.stderr
    assert "Download them?" in run.stderr
    assert registry.connections == 0
    assert kept(home) == before


def test_who_agrees_gets_the_figures(home: Path, project: Path, registry: Registry) -> None:
    run = on_terminal(home, "y\n", project, "--registry", registry.base, "--json", "--no-progress")
    assert run.status == 0, run.stderr
    assert run.json["agreed"] is True
    assert len(registry.requests) == 100


def test_json_has_every_measurement(home: Path, project: Path, registry: Registry) -> None:
    size = sum(
        len(answer.body) for answer in registry.answers.values() if isinstance(answer, Answer)
    )
    run = bench(home, registry, project, "--yes", "--json", "--runs", "2", "--connections", "8")
    assert run.status == 0, run.stderr
    found = run.json
    assert found["connections"] == 8
    assert registry.connections <= 8 + FIRST
    assert found["download"] == {
        "tarballs": 100,
        "hosts": {host(registry): 100},
        "proxies": [],
        "metadataAskedFor": 0,
        "tarballsOfKnownSize": 0,
        "knownBytes": 0,
    }
    stages = [found["fetch"], found["hash"], found["write"], found["loopback"]["fetch"]]
    if shutil.which("curl"):
        stages.append(found["loopback"]["curl"])
    for stage in stages:
        assert (stage["tarballs"], stage["bytes"]) == (100, size)
        assert stage["seconds"] > 0
        assert stage["bytesPerSecond"] == pytest.approx(size / stage["seconds"], rel=0.05)
    assert found["loopback"]["runs"] == len(found["loopback"]["fetch"]["allSeconds"]) == 2


def test_runs_can_be_left_out_and_so_can_curl(
    home: Path, project: Path, registry: Registry
) -> None:
    none = bench(home, registry, project, "--yes", "--json", "--runs", "0")
    assert none.json["loopback"] is None
    cache = ("--cache-dir", home / "kept", "--yes", "--json")
    no_curl = bench(home, registry, project, *cache, PATH=str(home))
    assert no_curl.json["loopback"]["curl"] is None
    assert no_curl.json["loopback"]["curlTrouble"] == "there is no curl"
    place = fake_curl(home, "echo DL% UL% >&2; echo curl: too old >&2; exit 2")
    old = bench(home, registry, project, *cache, PATH=f"{place}:/usr/bin:/bin")
    assert old.json["loopback"]["curlTrouble"] == "curl: too old"
    assert old.json["loopback"]["fetch"]["seconds"] > 0


def test_credentials_are_used_and_never_shown(
    home: Path, project: Path, registry: Registry
) -> None:
    place = registry.base.removeprefix("http:")
    (project / ".npmrc").write_text(f"registry={registry.base}\n{place}:_authToken=${{TOKEN}}\n")
    for option in ("--json", "-v"):
        run = run_program("bench", project, "--yes", option, home=home, TOKEN="top-secret")
        assert run.status == 0, run.stderr
        assert "top-secret" not in run.stdout + run.stderr
        assert host(registry) in run.stdout
    assert registry.requests[-1].headers["Authorization"] == "Bearer top-secret"


def test_a_proxy_is_named_without_its_password(
    home: Path, project: Path, registry: Registry
) -> None:
    proxy = "http://me:pass-word@proxy.example:3128"
    run = bench(home, registry, project, HTTP_PROXY=proxy)
    assert run.status == 2
    assert "through the proxy proxy.example:3128" in run.stderr
    assert "pass-word" not in run.stderr


def test_metadata_that_is_asked_for_is_announced(
    home: Path, project: Path, registry: Registry
) -> None:
    registry.publish("bare")
    write_lock(project, {"node_modules/bare": locked()})
    run = bench(home, registry, project, "--yes")
    assert run.status == 0, run.stderr
    assert "no hash of 1: of these, metadata is asked for, too" in run.stdout
    assert sorted(registry.paths()) == ["/bare", "/bare/-/bare-1.0.0.tgz"]


def test_what_npm_has_is_measured_all_the_same(
    home: Path, project: Path, registry: Registry
) -> None:
    """Otherwise nothing would come over the network on the machine of anybody who uses npm."""
    data = registry.publish("a")
    url = f"{registry.base}a/-/a-1.0.0.tgz"
    write_lock(project, {"node_modules/a": locked(resolved=url, integrity=sri(data))})
    digest = hashlib.sha512(data).hexdigest()
    content = home / f".npm/_cacache/content-v2/sha512/{digest[:2]}/{digest[2:4]}/{digest[4:]}"
    content.parent.mkdir(parents=True)
    content.write_bytes(data)
    assert bench(home, registry, project, "--yes").status == 0
    assert registry.paths() == ["/a/-/a-1.0.0.tgz"]


def test_a_tarball_that_cannot_be_had_is_status_3_and_leaves_nothing(
    home: Path, project: Path, registry: Registry
) -> None:
    before = kept(home)
    registry.answers["/p7/-/p7-1.0.0.tgz"] = Answer(404)
    run = bench(home, registry, project, "--yes")
    assert run.status == 3
    assert "p7@1.0.0 (node_modules/p7): HTTP 404" in run.stderr
    assert kept(home) == before


@pytest.mark.parametrize("stage", ["network", "loopback"])
def test_an_interrupt_leaves_neither_files_nor_a_server(
    home: Path, project: Path, registry: Registry, stage: str
) -> None:
    asked = home / "asked"  # what curl, here one that never ends, is given to fetch
    asked.touch()
    before = kept(home)
    variables = {}
    if stage == "network":
        registry.answers["/p7/-/p7-1.0.0.tgz"] = Answer(stall=60)
    else:
        place = fake_curl(home.parent, f"cat >{asked}; exec sleep 60")
        variables["PATH"] = f"{place}:/usr/bin:/bin"
    with subprocess.Popen(
        [*PROGRAM, "bench", project, "--registry", registry.base, "--yes", "-q"],
        cwd=home,
        env=environment(home, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        until = time.monotonic() + 60
        while len(registry.requests) < 100 or (stage == "loopback" and not asked.stat().st_size):
            assert time.monotonic() < until, "it did not come that far"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "error: interrupted\n")
    assert kept(home) == before
    if stage == "loopback":
        address = urlsplit(asked.read_text().split('"')[1])
        with socket.socket() as probe:
            assert probe.connect_ex((address.hostname, address.port)) == errno.ECONNREFUSED


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such project"),
        (["empty"], "no lock in this directory"),
        (["bare"], "no tarball to fetch"),
        (["bad"], "node_modules/x"),
        (["project", "--registry", "registry.example"], "no registry base"),
        (["project", "--npmrc", "missing"], "no such file"),
        (["project", "--connections", "0"], "at least 1"),
        (["project", "--runs", "-1"], "--runs"),
        (["project", "other"], "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_status_2_with_a_clear_message(
    home: Path, registry: Registry, arguments: list[str], message: str
) -> None:
    (home / "empty").mkdir()
    write_lock(home / "bare", {})
    write_lock(home / "bad", {"node_modules/x": locked("no version")})
    write_lock(home / "project", publish(registry, "a"))
    run = run_program("bench", *arguments, "--yes", home=home)
    assert run.status == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert registry.connections == 0
