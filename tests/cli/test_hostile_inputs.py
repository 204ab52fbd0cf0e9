"""Whatever others wrote, a run ends with a message: no traceback, no status that means "stale"."""

from __future__ import annotations

import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

import pytest

from npm2nixlite.cli.run import run
from tests.support.projects import locked, write_lock
from tests.support.registry import Answer
from tests.support.tarballs import sri

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.registry import Registry

DEEP = "[" * 100_000


@pytest.fixture
def program(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command line in this process: status, and what it said on stderr."""
    for name in list(os.environ):
        if name.lower().startswith("npm_config_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(home))
    monkeypatch.chdir(home)

    def run_it(*arguments: str | Path) -> tuple[int, str]:
        try:
            status = run([*map(str, arguments)])
        except SystemExit as left:
            status = int(left.code or 0)
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert "internal error" not in said
        return status, said

    return run_it


Program = Any


def at(address: str) -> str:
    """A lock with a package from an address."""
    entry = {"version": "1", "resolved": address}
    return json.dumps({"lockfileVersion": 3, "packages": {"node_modules/a": entry}})


def generate(program: Program, home: Path, registry: Registry | None, *more: str | Path) -> Any:
    base = registry.base if registry else "http://127.0.0.1:9/"
    cache = home / "cache"
    options = ("--registry", base, "--cache-dir", cache, "--retries", "0", "--timeout", "5")
    return program("generate", home / "project", *options, *more)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"lockfileVersion": 1e999}', "unknown lockfileVersion"),
        ('{"lockfileVersion": "3"}', "unknown lockfileVersion"),
        (DEEP, "too deep"),
        ('{"lockfileVersion": ' + "3" * 5000 + "}", "not JSON"),
        (at("http://[/a.tgz"), "malformed"),
        (at("http://a..b/a.tgz"), "no such host"),
        (at("http://" + "a" * 64 + ".b/a.tgz"), "no such host"),
        (at("http://a:99999/a.tgz"), "malformed"),
        (at("https://me:secret@h/a.tgz"), "carries credentials"),
        (at("https://me:secret@h..x/a.tgz"), ""),
        (at("https://me:secret@[/a.tgz"), "malformed"),
        ('{"lockfileVersion": 1, "dependencies": {"a": {"version": "git+ssh://[x/y#' + "a" * 40
         + '"}}}', ""),
        ('{"lockfileVersion": 1, "dependencies": ' + '{"a": {"dependencies": ' * 480 + "{}"
         + "}}" * 480 + "}", ""),
    ],
    ids=lambda value: value if len(value) < 40 else "",
)  # fmt: skip
def test_locks(program: Program, home: Path, content: str, complaint: str) -> None:
    (home / "project").mkdir()
    (home / "project/package-lock.json").write_text(content)
    status, said = generate(program, home, None)
    assert status in {2, 3}
    assert complaint in said
    assert "secret" not in said


def test_a_lockfile_version_that_is_written_as_3_0_is_3(program: Program, home: Path) -> None:
    (home / "project").mkdir()
    (home / "project/package-lock.json").write_text('{"lockfileVersion": 3.0, "packages": {}}')
    assert generate(program, home, None) == (0, "")


@pytest.mark.parametrize(
    ("package_json", "status"),
    [
        ({"dependencies": {"a": "^" + "9" * 5000}}, 2),
        ({"dependencies": {"a": "9" * 5000}}, 0),  # a tag, to npm
        ({"dependencies": {"a": ">=1 <" + "1." * 3000}}, 2),
        ({"dependencies": {"a": "²"}}, 2),
        ({"dependencies": {"a": "٣.٣.٣"}}, 2),
        ({"dependencies": {"a": "git+ssh://[::1"}}, 2),
        ({"dependencies": {"a": "http://[::1"}}, 2),
        ({"dependencies": {"a": "1"}, "overrides": {"": "1"}}, 2),
        ({"dependencies": {"a": "1"}, "overrides": {"@": "1", "a@": {"": {}}}}, 2),
        ({"dependencies": {"a": "1"}, "workspaces": ["[", "**", "{" * 500]}, None),
    ],
)
def test_package_json(
    program: Program, home: Path, registry: Registry, package_json: Any, status: int | None
) -> None:
    data = registry.publish("a")
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data))})
    (home / "project/package.json").write_text(json.dumps(package_json))
    got, said = generate(program, home, registry)
    assert got == status if status is not None else got in {0, 2}, said


@pytest.mark.parametrize(
    "location",
    [
        "http://h:99999/x",
        "http://h:x/x",
        "http://[::1/x",
        "http://a..b/x",
        "http://" + "a" * 64 + ".b/x",
        "http://" + "é" * 64 + ".b/x",
        "http:///x",
        "ftp://h/x",
        "//",
        "http://h\x01/x",
        "data:,x",
    ],
)
def test_redirects(program: Program, home: Path, registry: Registry, location: str) -> None:
    one = registry.publish("one")
    header = location.encode("utf-8").decode("latin-1")
    registry.answers["/two/-/two-1.0.0.tgz"] = Answer(302, headers={"Location": header})
    write_lock(
        home / "project",
        {
            "node_modules/one": locked(integrity=sri(one)),
            "node_modules/two": locked(integrity=sri(b"two")),
        },
    )
    status, said = generate(program, home, registry)
    assert status == 3
    assert "1 package of 2" in said  # the other one is fetched
    assert "two" in said


@pytest.mark.parametrize(
    "metadata",
    [
        DEEP.encode(),
        b"[]",
        b"{}",
        b"null",
        b'{"versions": []}',
        b'{"versions": {"1.0.0": 5}}',
        b'{"versions": {"1.0.0": {"dist": []}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "http://[/x"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "http://a..b/x"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "http://h:70000/x"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "http://me:secret@h/x"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "http://h/a b"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "http://h/a\\"b"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "x", "shasum": "\xc2\xb2"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "x", "integrity": "sha512-"}}}}',
        b'{"versions": {"1.0.0": {"dist": {"tarball": "x", "integrity": 5}}}}',
        b"5" * 5000,
        b"\xff",
    ],
)
def test_metadata(program: Program, home: Path, registry: Registry, metadata: bytes) -> None:
    registry.answers["/a"] = Answer(body=metadata)
    write_lock(home / "project", {"node_modules/a": locked()})
    status, said = generate(program, home, registry)
    assert status == 3, said
    assert "secret" not in said


@pytest.mark.parametrize(
    "wait",
    [
        "Mon, 01 Jan 0001 00:00:00 +9999",
        "Mon, 01 Jan 9999 00:00:00 -9999",
        "Mon, 99 Jan 2020 99:99:99 GMT",
        "9" * 5000,
        "²",
        "-1",
        ",",
    ],
)
def test_waits(program: Program, home: Path, registry: Registry, wait: str) -> None:
    header = wait.encode("utf-8").decode("latin-1")
    registry.answers["/a/-/a-1.0.0.tgz"] = Answer(503, headers={"Retry-After": header})
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(b"a"))})
    status, said = generate(program, home, registry)
    assert status == 3, said


@pytest.mark.parametrize(
    ("npmrc", "status"),
    [
        ("@s:registry=http://[::1\n", 0),
        ("@s:registry=http://h:99999/\n", 0),
        ("@a:registry=http://h:0/\n", 0),
        ("{token}=a\x07b\n", 2),
        ('{token}="a\\r\\nX: y"\n', 2),
        ("cache=~nosuchuser/x\n", 0),
        ("replace-registry-host=http://[\n", 0),
        ("cafile=/dev/zero\n", 0),
        ("[" * 100_000, 0),
        ('a="' + "[" * 100_000 + '"', 0),
        ('a="' + "[" * 5000 + '"', 0),
        ("\x00=\x00\n", 0),
        ("noproxy=[,..,\nproxy=http://[\n", 2),
        ("proxy=http://h:99999\n", 2),
    ],
)  # fmt: skip
def test_npmrc(program: Program, home: Path, registry: Registry, npmrc: str, status: int) -> None:
    data = registry.publish("a")
    host = registry.base.removeprefix("http:")
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data))})
    (home / "project/.npmrc").write_text(npmrc.replace("{token}", f"{host}:_authToken"))
    got, said = generate(program, home, registry)
    assert got == status, said


@pytest.mark.parametrize("place", ["file/below", "/dev/null/cache", "/proc/nothing", "file"])
def test_cache_directories(program: Program, home: Path, registry: Registry, place: str) -> None:
    (home / "file").write_text("x")
    data = registry.publish("a")
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data))})
    status, said = generate(program, home, registry, "--cache-dir", home / place)
    assert status == 3
    assert "cache cannot be written" in said or "cache cannot be read" in said


def test_a_cache_whose_parts_are_directories_heals(
    program: Program, home: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data, "sha1"))})
    assert generate(program, home, registry)[0] == 0
    (alias,) = (home / "cache/alias/sha1").iterdir()
    (tarball,) = (home / "cache/sha512").iterdir()
    for path in (alias, tarball):
        path.unlink()
        (path / "below").mkdir(parents=True)
    assert generate(program, home, registry)[0] == 0
    assert tarball.read_bytes() == data
    assert alias.read_text() == sri(data)


@pytest.mark.parametrize("kind", ["fifo", "device", "endless", "directory"])
@pytest.mark.parametrize("place", ["-o", ".npmrc", "lock", "tarball", "node-packages.nix"])
def test_reads_of_what_has_no_end_end(
    program: Program, home: Path, registry: Registry, kind: str, place: str
) -> None:
    data = registry.publish("a")
    packages: dict[str, Any] = {"node_modules/a": locked(integrity=sri(data))}
    if place == "tarball":
        packages["node_modules/b"] = locked(resolved="file:odd.tgz", integrity=sri(b"b"))
    lock = write_lock(home / "project", packages)
    odd = {
        "-o": home / "odd",
        ".npmrc": home / "project/.npmrc",
        "lock": lock,
        "tarball": home / "project/odd.tgz",
        "node-packages.nix": home / "project/node-packages.nix",
    }[place]
    odd.unlink(missing_ok=True)
    match kind:
        case "fifo":
            os.mkfifo(odd)
        case "device":
            odd.symlink_to("/dev/null")
        case "endless":
            odd.symlink_to("/dev/zero")
        case _:
            odd.mkdir()
    more: list[str | Path] = ["-o", odd] if place == "-o" else []
    status, said = generate(program, home, registry, *more)
    if (place, kind) == (".npmrc", "device"):
        assert status == 0, said
    else:
        assert status in {2, 3}, said
    if place == "node-packages.nix":
        status, said = program("prime", odd, "--cache-dir", home / "cache")
        assert status == 2, said
    assert odd.is_symlink() or not odd.is_file()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", None])
@pytest.mark.parametrize("way", ["option", "file"])
def test_weak_hashes_are_refused_by_choice(
    program: Program, home: Path, registry: Registry, algorithm: str | None, way: str
) -> None:
    strong, weak = registry.publish("strong"), registry.publish("weak")
    fields = {} if algorithm is None else {"integrity": sri(weak, algorithm)}
    packages = {
        "node_modules/strong": locked(integrity=sri(strong)),
        "node_modules/weak": locked(**fields),
    }
    write_lock(home / "project", packages)
    assert generate(program, home, registry)[0] == 0
    if way == "file":
        (home / "npm2nixlite.toml").write_text(
            '[[project]]\npath = "project"\nrequire-sha512 = true\n'
        )
        options = ("--registry", registry.base, "--cache-dir", home / "cache")
        status, said = program("generate", *options)
    else:
        status, said = generate(program, home, registry, "--require-sha512")
    assert status == 2
    assert "no sha512 for 1 package" in said
    assert "node_modules/weak" in said
    packages["node_modules/weak"] = locked(integrity=sri(weak))
    write_lock(home / "project", packages)
    assert generate(program, home, registry, "--require-sha512")[0] == 0


def test_what_a_server_says_is_shown_without_commands_to_the_terminal(
    program: Program, home: Path, registry: Registry
) -> None:
    data = registry.publish("a")
    write_lock(home / "project", {"node_modules/a": locked(integrity=sri(data))})
    location = "ftp\x1b[31m://h/"
    registry.answers["/a/-/a-1.0.0.tgz"] = Answer(302, headers={"Location": location})
    status, said = generate(program, home, registry)
    assert status == 3
    assert "\x1b" not in said


def test_tokens_in_short_git_addresses_are_not_rendered(program: Program, home: Path) -> None:
    address = "github:user:s3cret@owner/repository#main"
    write_lock(home / "project", {"node_modules/a": locked(resolved=address)})
    status, said = generate(program, home, None, "--offline")
    assert status in {0, 2, 3}
    assert "s3cret" not in said
    output = home / "project/node-packages.nix"
    assert not output.is_file() or "s3cret" not in output.read_text()


def test_an_output_that_is_a_link_is_followed(
    program: Program, home: Path, registry: Registry
) -> None:
    write_lock(home / "project", {})
    (home / "elsewhere").mkdir()
    link = home / "project/node-packages.nix"
    link.symlink_to("../elsewhere/it.nix")
    assert generate(program, home, registry)[0] == 0
    assert link.is_symlink()
    assert (home / "elsewhere/it.nix").read_text().startswith("#")
    assert generate(program, home, registry, "--check")[0] == 0


def test_either_all_files_are_written_or_none(
    home: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = []
    for name in ("one", "two", "three"):
        write_lock(home / name, {}, name=name)
        outputs.append(home / name / "node-packages.nix")
    outputs[0].write_text("as it was")
    words = ["generate", *(str(home / name) for name in ("one", "two", "three"))]
    words += ["--registry", registry.base, "--cache-dir", str(home / "cache")]
    whole = pathlib.Path.replace

    def fails_at_three(self: Path, target: Path) -> Path:
        if target == outputs[2]:
            raise OSError(28, "No space left on device", str(self), None, str(target))
        return whole(self, target)

    monkeypatch.setattr(pathlib.Path, "replace", fails_at_three)
    assert run(words) == 2
    assert outputs[0].read_text() == "as it was"
    assert [path.name for path in sorted(home.glob("*/*"))] == [
        *["node-packages.nix", "package-lock.json", "package-lock.json", "package-lock.json"]
    ]
