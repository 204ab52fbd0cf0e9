"""Statuses of what should not happen, and standard streams that are closed, full or left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from npm2nixlite.cli.run import run
from npm2nixlite.errors import InternalError, internal_error
from tests.support.projects import PROGRAM, environment, locked, write_lock
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from tests.support.registry import Registry


def shell(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=home,
        env=environment(home, PROGRAM=f"{sys.executable} -m npm2nixlite"),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def project(home: Path) -> Path:
    write_lock(home / "project", {})
    return home / "project"


@pytest.mark.parametrize(
    ("redirection", "status"),
    [
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        (">/dev/full", 2),
        ("2>/dev/full", 0),
        (">/dev/full 2>&1", 2),
        ("| true; exit ${PIPESTATUS[0]}", 0),
    ],
)
@pytest.mark.parametrize("words", ["generate project --json", "generate project", "--help"])
def test_streams_that_take_nothing_are_no_traceback_and_no_stale_file(
    home: Path, project: Path, words: str, redirection: str, status: int
) -> None:
    done = shell(home, f"$PROGRAM {words} {redirection}")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.returncode == status, done.stderr
    if status == 2 and "2>" not in redirection:
        assert "standard output cannot be written: No space left on device" in done.stderr
    if words != "--help":
        # nothing that was printed went into a file that took the place of a stream
        assert (project / "node-packages.nix").read_text().startswith("#")


def test_an_error_keeps_its_status_where_nobody_can_read_it(home: Path) -> None:
    done = shell(home, "$PROGRAM generate missing --json >/dev/full 2>/dev/full")
    assert done.returncode == 2
    assert shell(home, "$PROGRAM generate missing >&- 2>&-").returncode == 2


@pytest.mark.parametrize("error", [RuntimeError("odd\nwords"), RecursionError(), KeyError("x")])
def test_what_nobody_foresaw_ends_with_70_and_says_where_the_details_are(
    home: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("npm2nixlite.generate.plan_lock", fail)
    arguments = ["generate", str(project), "--cache-dir", str(home / "cache"), "--json"]
    if isinstance(error, RecursionError):
        assert run(arguments) == 2  # a lock's fault
        return
    assert run(arguments) == 70
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert json.loads(out)["error"]["exitStatus"] == 70
    note = err.partition("the details are in ")[2].partition(";")[0]
    with open(note, encoding="utf-8") as file:  # noqa: PTH123
        details = file.read()
    assert "Traceback" in details
    assert "plan_lock" in details


def test_many_errors_of_one_kind_leave_one_note() -> None:
    def made() -> InternalError:
        try:
            raise ValueError("x")
        except ValueError as error:
            return internal_error(error)

    assert len({made().hint for _ in range(100)}) == 1


def test_one_package_that_fails_in_an_unforeseen_way_stops_no_other(
    home: Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = registry.publish("one")
    registry.publish("two")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("npm2nixlite.fetch.worker.ask_registry", None)
    packages = {"node_modules/one": locked(integrity=sri(one)), "node_modules/two": locked()}
    lock = write_lock(home / "project", packages)
    cache = home / "cache"
    words = ["generate", str(lock), "--registry", registry.base, "--cache-dir", str(cache)]
    assert run(words) == 3
    said = capsys.readouterr().err
    assert "1 package of 2" in said
    assert "internal error: TypeError" in said
    assert "Traceback" not in said
    assert len(list((cache / "sha512").iterdir())) == 1


@pytest.mark.parametrize("limit", [12, 16, 24, 48])
def test_too_few_files_are_said_to_be_too_few(home: Path, registry: Registry, limit: int) -> None:
    packages = {}
    for number in range(40):
        data = registry.publish(f"p{number}")
        packages[f"node_modules/p{number}"] = locked(integrity=sri(data))
    write_lock(home / "project", packages)
    options = f"--registry {registry.base} --cache-dir cache --retries 0"
    done = shell(home, f"ulimit -n {limit}; $PROGRAM generate project {options}")
    assert "Traceback" not in done.stderr
    if done.returncode != 0:
        assert done.returncode in {2, 3}
        assert "too many open files" in done.stderr.lower()
        assert "ulimit -n" in done.stderr
        assert "make room" not in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_run_cleanly(home: Path, registry: Registry, sent: signal.Signals) -> None:
    if signal.getsignal(sent) is signal.SIG_IGN:
        pytest.skip("whoever started the tests has it ignored (nohup), and so do its children")
    registry.answers["/a/-/a-1.0.0.tgz"] = Answer(body=b"x" * 1000, sent=10, stall=60)
    packages = {"node_modules/a": locked(integrity=sri(b"x" * 1000))}
    for number in range(70):  # enough for several processes
        path = f"/p{number}/-/p{number}-1.0.0.tgz"
        registry.answers[path] = Answer(body=b"x" * 1000, sent=10, stall=60)
        packages[f"node_modules/p{number}"] = locked(integrity=sri(b"x" * 1000))
    write_lock(home / "project", packages)
    options = ("--registry", registry.base, "--cache-dir", str(home / "cache"))
    process = subprocess.Popen(
        [*PROGRAM, "generate", "project", *options],
        cwd=home,
        env=environment(home, TMPDIR=str(home)),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not registry.requests and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert said == "error: interrupted\n"
    assert process.returncode == 130
    assert [path.name for path in (home / "cache/partial").iterdir()] == ["lock"]
    assert not list(home.glob("npm2nixlite-*"))


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_push_leaves_nothing_behind(
    home: Path, registry: Registry, sent: signal.Signals
) -> None:
    packages = {}
    for number in range(70):  # enough for several processes
        data = registry.publish(f"p{number}", size=200_000)
        packages[f"node_modules/p{number}"] = locked(integrity=sri(data))
    write_lock(home / "project", packages)
    fetch = f"--registry {registry.base} --cache-dir cache"
    assert shell(home, f"$PROGRAM generate project {fetch}").returncode == 0
    temporary, binary = home / "tmp", home / "binary"
    temporary.mkdir()
    process = subprocess.Popen(
        [*PROGRAM, "push", "project", "--to", f"file://{binary}", "--compression", "zstd",
         *fetch.split()],
        cwd=home,
        env=environment(home, TMPDIR=str(temporary)),
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(binary.glob("*.narinfo")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    if sent is signal.SIGKILL:  # its processes hear of it, and end by themselves
        assert process.returncode == -signal.SIGKILL
    elif process.returncode != 0:  # it may have been done already
        assert (process.returncode, said) == (130, "error: interrupted\n")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (
        list(temporary.iterdir()) or list(binary.rglob(".*")) or processes_in(home)
    ):
        time.sleep(0.1)
    assert not processes_in(home)
    assert list(temporary.iterdir()) == []
    assert list(binary.rglob(".*")) == []
    for narinfo in binary.glob("*.narinfo"):
        fields = dict(line.split(": ", 1) for line in narinfo.read_text().splitlines())
        assert (binary / fields["URL"]).is_file()


def processes_in(home: Path) -> list[str]:
    """Processes that were started with this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"HOME={home}\0".encode() in (entry / "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found
