import subprocess
from pathlib import Path

import pytest

from npm2nixlite.errors import InputError
from npm2nixlite.review.diff import Release, compare, read_releases
from tests.support.projects import locked, run_program, write_lock
from tests.support.registry import Registry
from tests.support.tarballs import sri


def release(name: str, version: str, host: str = "", *, script: bool = False) -> Release:
    return Release(name, version, host, script)


def test_versions_of_a_package_are_paired_in_their_order() -> None:
    old = [
        release("a", "1.0.0"),
        release("a", "2.0.0"),
        release("b", "1.0.0"),
        release("c", "1.0.0"),
    ]
    new = [
        release("a", "1.1.0"),
        release("a", "2.0.0"),
        release("a", "3.0.0"),
        release("d", "1.0.0"),
    ]
    found = compare(old, new)
    assert found.updated == ((release("a", "1.0.0"), release("a", "1.1.0")),)
    assert found.added == (release("a", "3.0.0"), release("d", "1.0.0"))
    assert found.removed == (release("b", "1.0.0"), release("c", "1.0.0"))
    assert [(kind and kind.value, older) for *_, kind, older in found.bumps()] == [("minor", False)]


def test_an_older_version_is_said_to_be_one() -> None:
    found = compare([release("a", "2.0.0")], [release("a", "1.0.0")])
    assert [(kind and kind.value, older) for *_, kind, older in found.bumps()] == [("major", True)]


def test_the_same_is_no_difference() -> None:
    same = [release("a", "1.0.0", "h.example", script=True)]
    assert not compare(same, same)
    assert not compare([], [])


def test_an_install_script_is_gained_once() -> None:
    plain, script = release("a", "1.0.0"), release("a", "1.1.0", script=True)
    assert compare([plain], [script]).gained_scripts == (script,)
    assert compare([], [script]).gained_scripts == (script,)
    assert compare([script], [release("a", "1.2.0", script=True)]).gained_scripts == ()


def test_another_host_is_told_for_packages_that_were_there() -> None:
    here, there = release("a", "1.0.0", "one.example"), release("a", "1.0.0", "two.example")
    assert compare([here], [there]).moved == (there,)
    assert compare([], [there]).moved == ()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "repository"
    write_lock(directory, {"node_modules/a": locked("1.0.0")})

    def git(*words: str) -> None:
        name = ("-c", "user.name=t", "-c", "user.email=t@t.example")
        subprocess.run(["git", *name, *words], cwd=directory, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    write_lock(directory, {"node_modules/a": locked("1.1.0", hasInstallScript=True)})
    return directory


def test_a_git_revision_can_be_compared_with(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    assert [item.version for item in read_releases("HEAD:package-lock.json")] == ["1.0.0"]
    assert [item.version for item in read_releases(".")] == ["1.1.0"]
    for given in ("HEAD:gone.json", "nonesuch:package-lock.json", "-x:y", ":y", "HEAD:"):
        with pytest.raises(InputError):
            read_releases(given)


def test_the_command_tells_people_pull_requests_and_programs(repository: Path) -> None:
    words = ("-C", str(repository), "show", "HEAD:package-lock.json")
    old = subprocess.run(["git", *words], check=True, capture_output=True).stdout
    (repository / "old.json").write_bytes(old)
    given = ("diff", repository / "old.json", repository)
    run = run_program(*given, home=repository)
    assert run.status == 0
    assert run.stdout == (
        "gained an install script: 1 package\n  a 1.1.0\n"
        "updated: 1 package\n  a 1.0.0 → 1.1.0 (minor)\n"
    )
    run = run_program(*given, "--markdown", home=repository)
    assert "| `a` | 1.0.0 → 1.1.0 (minor) |" in run.stdout
    fields = run_program(*given, "--json", home=repository).json
    assert fields["updated"] == [
        {"name": "a", "old": "1.0.0", "new": "1.1.0", "bump": "minor", "older": False}
    ]
    run = run_program("diff", repository, repository, home=repository)
    assert run.stdout == "no difference\n"


def test_a_generated_file_says_the_same_as_its_lock(home: Path, registry: Registry) -> None:
    entry = locked(integrity=sri(registry.publish("a")), hasInstallScript=True)
    root = {"name": "p", "dependencies": {"a": "1.0.0"}}
    write_lock(home / "p", {"": root, "node_modules/a": entry})
    run = run_program("generate", home / "p", "--registry", registry.base, home=home)
    assert run.status == 0, run.stderr
    assert read_releases(str(home / "p/node-packages.nix")) == read_releases(str(home / "p"))
