"""Registries and disks that fail: a clear error, nothing lost, nothing half-written."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cache import Cache
from npm2nixlite.integrity import Integrity
from tests.support.projects import PROGRAM, Run, environment, locked, run_program, write_lock
from tests.support.registry import Answer, Registry, serve_registry
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(home: Path, registry: Registry) -> Path:
    """A project that needs the package a, with an output from before."""
    data = registry.publish("a", size=200_000)
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data))})
    (home / "project/node-packages.nix").write_text("as it was")
    return home / "project"


A = "/a/-/a-1.0.0.tgz"


def generate(home: Path, project: Path, base: str, *arguments: str) -> Run:
    cache = home / "cache"
    return run_program(
        "generate", project, "--registry", base, "--cache-dir", cache, *arguments, home=home
    )


def assert_untouched(home: Path, project: Path) -> None:
    """The output is as it was, and every file in the cache has the hash it is named by."""
    assert (project / "node-packages.nix").read_text() == "as it was"
    assert_cache_right(home)


def assert_cache_right(home: Path) -> None:
    files = list((home / "cache/sha512").glob("*"))
    for file in files:
        assert hashlib.sha512(file.read_bytes()).hexdigest() == file.name
    runs = [path for path in (home / "cache/partial").iterdir() if path.name != "lock"]
    assert runs == []


def body(registry: Registry) -> bytes:
    answer = registry.answers[A]
    assert isinstance(answer, Answer)
    return answer.body


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(body=b"something else"), "wrong content: expected sha512-"),
        (Answer(404), "HTTP 404"),
        (Answer(401), "HTTP 401"),
        (Answer(403), "HTTP 403"),
        (Answer(302), "HTTP 302 without a Location"),
        (Answer(302, headers={"Location": A}), "more than 10 redirects"),
        (Answer(302, headers={"Location": "ftp://h.example/"}), "HTTP 302 to a ftp address"),
    ],
)
def test_a_lasting_failure_is_reported_at_once(
    home: Path, project: Path, registry: Registry, answer: Answer, message: str
) -> None:
    registry.answers[A] = answer
    run = generate(home, project, registry.base, "--retries", "5")
    assert run.status == 3
    assert f"a@1.0.0 (node_modules/a): {message}" in run.stderr
    assert f"{registry.base}a/-/a-1.0.0.tgz" in run.stderr
    assert "Traceback" not in run.stderr
    assert registry.paths().count(A) <= 10  # a redirect's hops, and no retries
    assert_untouched(home, project)


def test_a_refused_connection_is_reported_with_what_to_do(home: Path, project: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    run = generate(home, project, base, "--retries", "1")
    assert run.status == 3
    assert "no connection: Connection refused" in run.stderr
    assert "--registry" in run.stderr
    assert_untouched(home, project)


def test_a_name_that_does_not_resolve_is_reported(home: Path, project: Path) -> None:
    run = generate(home, project, "http://registry.invalid/", "--retries", "0")
    assert run.status == 3
    assert "no connection" in run.stderr
    assert_untouched(home, project)


def test_a_body_cut_short_is_tried_again_and_then_reported(
    home: Path, project: Path, registry: Registry
) -> None:
    good = body(registry)
    registry.answers[A] = [Answer(body=good, sent=1000), Answer(body=good)]
    run = generate(home, project, registry.base, "--retries", "1")
    assert run.status == 0, run.stderr
    assert_cache_right(home)
    registry.answers[A] = Answer(body=good, sent=1000)
    (project / "node-packages.nix").write_text("as it was")
    other = run_program(
        *("generate", project, "--registry", registry.base, "--cache-dir", home / "other"),
        *("--retries", "1"),
        home=home,
    )
    assert other.status == 3
    assert "the body was cut short" in other.stderr
    assert_untouched(home, project)


@pytest.mark.parametrize("sent", [None, 1000])
def test_a_stalled_server_is_given_up_after_the_timeout(
    home: Path, project: Path, registry: Registry, sent: int | None
) -> None:
    registry.answers[A] = Answer(body=body(registry), sent=sent, stall=60)
    start = time.monotonic()
    run = generate(home, project, registry.base, "--retries", "0", "--timeout", "0.5")
    assert run.status == 3
    assert "the server gave no byte for 0.5 s" in run.stderr
    assert time.monotonic() - start < 20
    assert_untouched(home, project)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_passing_failure_is_tried_again(
    home: Path, project: Path, registry: Registry, status: int
) -> None:
    registry.answers[A] = [Answer(status), Answer(body=body(registry))]
    run = generate(home, project, registry.base, "--retries", "1")
    assert run.status == 0, run.stderr
    assert registry.paths() == [A, A]


def test_retry_after_is_honoured(home: Path, project: Path, registry: Registry) -> None:
    wait = Answer(429, headers={"Retry-After": "2"})
    registry.answers[A] = [wait, Answer(body=body(registry))]
    assert generate(home, project, registry.base, "--retries", "1").status == 0
    first, second = registry.requests
    assert second.time - first.time >= 2


def test_a_server_that_asks_for_too_much_patience_is_quoted(
    home: Path, project: Path, registry: Registry
) -> None:
    registry.answers[A] = Answer(503, headers={"Retry-After": "86400"})
    run = generate(home, project, registry.base)
    assert run.status == 3
    assert "come back in 86400 s" in run.stderr
    assert registry.paths() == [A]


def test_all_failing_packages_are_listed_and_the_others_are_kept(
    home: Path, registry: Registry
) -> None:
    names = [f"p{number}" for number in range(70)]  # enough for two processes
    entries = {
        f"node_modules/{name}": locked(integrity=sri(registry.publish(name))) for name in names
    }
    for name in names[:5]:
        registry.answers[f"/{name}/-/{name}-1.0.0.tgz"] = Answer(404)
    write_lock(home / "project", entries)
    run = generate(home, home / "project", registry.base)
    assert run.status == 3
    assert "5 packages of 70 could not be fetched" in run.stderr
    for name in names[:5]:
        assert f"{name}@1.0.0 (node_modules/{name}): HTTP 404" in run.stderr
    machine = generate(home, home / "project", registry.base, "--json").json["error"]
    assert [detail["package"] for detail in machine["details"]] == [
        f"{name}@1.0.0" for name in names[:5]
    ]
    assert len(list((home / "cache/sha512").iterdir())) == 65
    assert not (home / "project/node-packages.nix").exists()


def test_a_silent_host_costs_its_retries_only_once(home: Path, registry: Registry) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    entries = {
        f"node_modules/p{number}": locked(integrity=sri(registry.publish(f"p{number}")))
        for number in range(300)
    }
    write_lock(home / "project", entries)
    start = time.monotonic()
    run = generate(home, home / "project", base, "--retries", "2", "--connections", "4")
    assert run.status == 3
    assert "300 packages of 300" in run.stderr
    # One by one, four at a time, the waits alone would take more than two minutes.
    assert time.monotonic() - start < 60


def test_redirects_are_followed_and_credentials_are_not_taken_along(
    home: Path, project: Path, registry: Registry
) -> None:
    with serve_registry() as other:
        other.answers["/moved.tgz"] = Answer(body=body(registry))
        target = other.base.replace("127.0.0.1", "localhost") + "moved.tgz"
        registry.answers[A] = Answer(302, headers={"Location": target})
        host = registry.base.removeprefix("http:")
        (project / ".npmrc").write_text(f"{host}:_authToken=secret\n")
        run = generate(home, project, registry.base)
        assert run.status == 0, run.stderr
        assert registry.requests[0].headers["Authorization"] == "Bearer secret"
        assert "Authorization" not in other.requests[0].headers


def test_credentials_that_cannot_be_used_are_an_error_before_they_are_sent(
    home: Path, registry: Registry
) -> None:
    entries = {
        f"node_modules/p{number}": locked(integrity=sri(registry.publish(f"p{number}")))
        for number in range(70)  # enough for two processes
    }
    write_lock(home / "project", entries)
    host = registry.base.removeprefix("http:")
    (home / ".npmrc").write_text(f"{host}:username=me\n{host}:_password=p\n")
    run = generate(home, home / "project", registry.base)
    assert run.status == 2
    assert "_password is not base 64" in run.stderr
    assert "Traceback" not in run.stderr
    assert registry.requests == []


def test_a_large_tarball_takes_no_more_memory_than_a_small_one(
    home: Path, registry: Registry
) -> None:
    size = 150_000_000
    data = registry.publish("a", size=size)
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data))})
    # Not getrusage: its peak includes what the parent process had before it became this one.
    script = (
        "import pathlib, re, sys; from npm2nixlite.cli import main; status = main(sys.argv[1:]);"
        "status or print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status')"
        ".read_text())[1]); sys.exit(status)"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-c", script, "generate", "-q", home / "project"),
            *("--registry", registry.base, "--cache-dir", home / "cache"),
        ],
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) * 1024 < 120_000_000


def test_an_interrupt_ends_at_once_without_traces(
    home: Path, project: Path, registry: Registry
) -> None:
    for number in range(100):
        registry.publish(f"p{number}")
        path = f"/p{number}/-/p{number}-1.0.0.tgz"
        answer = registry.answers[path]
        assert isinstance(answer, Answer)
        registry.answers[path] = Answer(body=answer.body, sent=50, stall=60)
    write_lock(
        project,
        {
            f"node_modules/p{number}": locked(integrity=sri(b"x" + bytes([number])))
            for number in range(100)
        },
    )
    process = subprocess.Popen(
        [
            *(*PROGRAM, "generate", project, "--registry"),
            *(registry.base, "--cache-dir", home / "cache"),
        ],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while len(registry.requests) < 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - start < 5
    assert stderr.strip() == "error: interrupted"
    assert_untouched(home, project)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
@pytest.mark.parametrize("packages", [1, 80])  # one process, and two
def test_a_full_disk_is_a_clear_error_and_leaves_no_wrong_file(
    home: Path, project: Path, registry: Registry, packages: int
) -> None:
    write_lock(
        project,
        {
            f"node_modules/p{number}": locked(
                integrity=sri(registry.publish(f"p{number}", size=200_000))
            )
            for number in range(packages)
        },
    )
    cache = home / "cache"
    cache.mkdir()
    size = f"size={100 * packages}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(cache)], check=True)
    try:
        run = generate(home, project, registry.base)
        assert run.status == 3
        assert "the download cache cannot be written: No space left" in run.stderr
        assert "Traceback" not in run.stderr
        assert_untouched(home, project)
    finally:
        subprocess.run(["umount", str(cache)], check=True)


def test_two_runs_at_once_share_a_cache(home: Path, registry: Registry) -> None:
    entries = {
        f"node_modules/p{number}": locked(
            integrity=sri(registry.publish(f"p{number}", size=50_000))
        )
        for number in range(80)
    }
    processes = []
    for name in ("one", "two"):
        write_lock(home / name, entries)
        command = [sys.executable, "-m", "npm2nixlite", "generate", str(home / name)]
        command += ["--registry", registry.base, "--cache-dir", str(home / "cache")]
        processes.append(
            subprocess.Popen(command, env=environment(home), stdout=subprocess.DEVNULL)
        )
    assert [process.wait(60) for process in processes] == [0, 0]
    texts = [(home / name / "node-packages.nix").read_text() for name in ("one", "two")]
    assert texts[0] == texts[1]
    assert_cache_right(home)


def test_the_cache_finds_what_a_failed_run_fetched(
    home: Path, project: Path, registry: Registry
) -> None:
    good = body(registry)
    other = registry.publish("b")
    write_lock(
        project,
        {
            "node_modules/a": locked(integrity=sri(good)),
            "node_modules/b": locked(integrity=sri(other)),
        },
    )
    registry.answers["/b/-/b-1.0.0.tgz"] = Answer(404)
    assert generate(home, project, registry.base).status == 3
    sha512 = Integrity.of("sha512", hashlib.sha512(good).digest())
    assert Cache(home / "cache").find([sha512]) == sha512
    registry.answers["/b/-/b-1.0.0.tgz"] = Answer(body=other)
    assert generate(home, project, registry.base).status == 0
    assert registry.paths().count(A) == 1
